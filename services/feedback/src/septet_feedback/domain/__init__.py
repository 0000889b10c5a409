"""What feedback says about an answer: no broker, no database, no clock."""

"""What makes a cached answer safe to serve: pure functions, no broker, no database, no model."""

"""Instructions to an assistant: readings of a text, rules, use versus mention, and instructions inside documents."""

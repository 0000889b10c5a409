"""The tuning methods by name."""

"""Input and output rails by policy."""

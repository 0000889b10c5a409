"""Use cases that join several ports."""

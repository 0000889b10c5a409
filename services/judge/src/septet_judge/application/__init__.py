"""Use cases of judge."""

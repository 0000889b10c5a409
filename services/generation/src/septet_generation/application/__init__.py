"""Use cases: draft an answer, stream its text."""

"""Joins feedback to what was shown."""

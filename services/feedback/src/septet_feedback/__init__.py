"""Joins feedback to the answers that were shown."""

"""Checks of what the stack needs, each with its fix."""

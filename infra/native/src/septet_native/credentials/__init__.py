"""Passwords and certificates of the servers."""

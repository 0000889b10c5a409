"""Computes answers in advance, and reads the cache's traffic from the log."""

"""Serves an OpenAI-compatible HTTP API on the log."""

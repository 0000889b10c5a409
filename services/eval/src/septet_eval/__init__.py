"""Scores every outcome and releases exactly one response per request."""

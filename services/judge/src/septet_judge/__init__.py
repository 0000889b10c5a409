"""Judges a sample of responses with a language model, outside the path of requests."""

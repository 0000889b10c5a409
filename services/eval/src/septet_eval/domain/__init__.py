"""Scoring, admission and the response itself: pure functions of an outcome."""

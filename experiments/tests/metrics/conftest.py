"""Unit tests of the metrics: hand-checked values, reference implementations and public reference values."""

"""Benchmarks of tuning methods."""

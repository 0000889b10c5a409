"""Datasets from feedback, tuning methods and the registry of model versions."""

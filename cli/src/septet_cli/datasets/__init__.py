"""Datasets for tuning: reading the log and files, and showing versions."""

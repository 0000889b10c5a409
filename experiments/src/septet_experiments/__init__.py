"""Suites, metrics, judges, gates and reports: compares two versions of a Septet."""

"""Benchmarks of retrieval and answers on labelled data sets."""

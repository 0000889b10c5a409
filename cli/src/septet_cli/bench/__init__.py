"""Measuring retrieval and answers on labelled data sets."""

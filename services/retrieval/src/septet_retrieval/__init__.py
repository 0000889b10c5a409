"""Ingest and hybrid search."""

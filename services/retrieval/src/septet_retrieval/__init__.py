"""Ingest and hybrid search: documents in, the passages that answer a question out."""

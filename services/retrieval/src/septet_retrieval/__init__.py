"""Ingest of documents, and hybrid search for the passages that answer a question."""

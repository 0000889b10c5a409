"""Adapters of eval: PostgreSQL and the embeddings endpoint."""

"""The log, PostgreSQL and the embeddings endpoint."""

"""Where eval meets the outside: PostgreSQL and the embeddings endpoint."""

"""Migrations of the schema ``cache``. See :mod:`septet_kit.migrate`."""

from __future__ import annotations

from septet_kit.store.revision import head_of

from septet_cache.settings import CacheSettings

HEAD = head_of(__name__)


def repeat() -> tuple[str, ...]:
    """Create the vector index for the configured dimensions. Indexes for other dimensions remain."""
    n = CacheSettings().embedding_dimensions
    return (
        f"""
        CREATE INDEX IF NOT EXISTS entries_embedding_{n} ON entries
            USING hnsw ((embedding::halfvec({n})) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)
            WHERE revoked_at IS NULL AND vector_dims(embedding) = {n}
        """,
    )

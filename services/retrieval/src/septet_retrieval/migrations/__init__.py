"""Migrations of the schema ``retrieval``. See :mod:`septet_kit.migrate`."""

from __future__ import annotations

from septet_kit.store.revision import head_of

from septet_retrieval.settings import RetrievalSettings

HEAD = head_of(__name__)


def repeat() -> tuple[str, ...]:
    """Return the statement that sets the vector length. Stored vectors of another length cannot be converted."""
    n = RetrievalSettings().dimensions
    return (
        f"""
        DO $$ DECLARE now_at integer; BEGIN
            SELECT atttypmod INTO now_at FROM pg_attribute
            WHERE attrelid = 'passages'::regclass AND attname = 'embedding';
            IF now_at <> {n} THEN
                IF EXISTS (SELECT FROM passages) THEN
                    RAISE EXCEPTION 'passages have vectors of % numbers, SEPTET_RETRIEVAL_DIMENSIONS is {n}', now_at
                        USING HINT = 'delete the documents and ingest them again, or set it to what they have';
                END IF;
                ALTER TABLE passages ALTER COLUMN embedding TYPE halfvec({n});
            END IF;
        END $$
        """,  # noqa: S608 - a number
    )

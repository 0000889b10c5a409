"""Tables. Also applies to a schema that has them from before migrations were recorded."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema
from septet_retrieval.settings import RetrievalSettings

revision, down_revision = "0001", None

TABLES = (
    "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public",
    "CREATE SEQUENCE IF NOT EXISTS change_sequence",
    """
    CREATE TABLE IF NOT EXISTS documents (
        tenant           text        NOT NULL,
        document_id      text        NOT NULL,
        sequence         bigint      NOT NULL,
        revision         bigint,
        content_hash     text,
        previous_hash    text,
        change           text        NOT NULL,
        passages         integer     NOT NULL,
        embedded         integer     NOT NULL,
        origin_at        timestamptz NOT NULL,
        origin_partition integer     NOT NULL,
        origin_offset    bigint      NOT NULL,
        PRIMARY KEY (tenant, document_id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS documents_sequence ON documents (tenant, sequence)",
    f"""
    CREATE TABLE IF NOT EXISTS passages (
        passage_id   text    PRIMARY KEY,
        tenant       text    NOT NULL,
        document_id  text    NOT NULL,
        content_hash text    NOT NULL,
        title        text    NOT NULL,
        location     text    NOT NULL,
        uri          text    NOT NULL,
        text         text    NOT NULL,
        starts       integer NOT NULL,
        ends         integer NOT NULL,
        model        text    NOT NULL,
        text_hash    bytea   NOT NULL,
        embedding    halfvec({RetrievalSettings().dimensions}) NOT NULL,
        FOREIGN KEY (tenant, document_id) REFERENCES documents ON DELETE CASCADE
    )
    """,
    "CREATE INDEX IF NOT EXISTS passages_document ON passages (tenant, document_id)",
    "CREATE INDEX IF NOT EXISTS passages_text_hash ON passages (tenant, text_hash)",
    """
    CREATE INDEX IF NOT EXISTS passages_embedding ON passages
        USING hnsw (embedding halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)
    """,
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

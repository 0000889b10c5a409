"""The tables. Applies as well on a schema that has them from before there were revisions."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public",
    # A row is never changed into another answer: what replaces or revokes it leaves it here, with the reason,
    # until it is purged. One live row per tenant and slot.
    """
    CREATE TABLE IF NOT EXISTS entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        scope text NOT NULL,
        form text NOT NULL,
        answer_digest text NOT NULL,
        request_id text NOT NULL,
        model text,
        prompt_version text,
        answer_kind text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoked_reason text,
        grams text[] NOT NULL DEFAULT '{}',
        embedding_model text,
        embedding vector,
        content jsonb NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS entries_live ON entries (tenant, scope, form) WHERE revoked_at IS NULL",
    "CREATE INDEX IF NOT EXISTS entries_answer ON entries (tenant, form, answer_digest) WHERE revoked_at IS NULL",
    "CREATE INDEX IF NOT EXISTS entries_request ON entries (tenant, request_id) WHERE revoked_at IS NULL",
    "CREATE INDEX IF NOT EXISTS entries_ended ON entries (LEAST(expires_at, COALESCE(revoked_at, expires_at)))",
    """
    CREATE INDEX IF NOT EXISTS entries_grams ON entries USING gin (grams) WITH (fastupdate = off)
        WHERE revoked_at IS NULL
    """,
    # Which documents, in which state, an answer was made from.
    """
    CREATE TABLE IF NOT EXISTS lineage (
        entry_id bigint NOT NULL REFERENCES entries ON DELETE CASCADE,
        tenant text NOT NULL,
        document_id text NOT NULL,
        content_hash text NOT NULL,
        PRIMARY KEY (entry_id, document_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS lineage_document ON lineage (tenant, document_id)",
    # The latest known state of each document (content_hash NULL: deleted), so that an answer made from an older
    # one is refused when it arrives after the change.
    """
    CREATE TABLE IF NOT EXISTS documents (
        tenant text NOT NULL,
        document_id text NOT NULL,
        content_hash text,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (tenant, document_id)
    )
    """,
    # Answers that people judged bad; what the log brings again is not kept again.
    """
    CREATE TABLE IF NOT EXISTS vetoes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        request_id text NOT NULL,
        form text,
        answer_digest text,
        reason text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS vetoes_request ON vetoes (tenant, request_id)",
    "CREATE INDEX IF NOT EXISTS vetoes_answer ON vetoes (tenant, form, answer_digest)",
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

"""Tables of the cache. Also applies to a schema whose tables were created before the first migration."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public",
    # An answer is never updated in place. A replaced or revoked row remains, with the reason, until it is purged.
    # There is one live row per tenant and slot.
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
    # The documents that an answer was made from, with their content hashes.
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
    # The latest content of each document (content_hash NULL: deleted). An answer that was made from an older content
    # is refused, also if it arrives after the change.
    """
    CREATE TABLE IF NOT EXISTS documents (
        tenant text NOT NULL,
        document_id text NOT NULL,
        content_hash text,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (tenant, document_id)
    )
    """,
    # Answers with negative feedback. They are refused, also if the log is replayed.
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

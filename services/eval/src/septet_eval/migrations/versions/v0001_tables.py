"""Create the tables. The revision also applies to a schema that has them from before migrations existed."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    # One row per request: pending until exactly one response is released for it.
    """
    CREATE TABLE IF NOT EXISTS requests (
        tenant            text        NOT NULL,
        request_id        text        NOT NULL,
        conversation_id   text,
        digest            text        NOT NULL,
        state             text        NOT NULL CHECK (state IN ('pending', 'released')),
        accepted_at       timestamptz NOT NULL,
        deadline          timestamptz NOT NULL,
        expires_at        timestamptz NOT NULL,
        traceparent       text,
        status            text,
        released_at       timestamptz,
        PRIMARY KEY (tenant, request_id)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX IF NOT EXISTS requests_pending ON requests (expires_at) WHERE state = 'pending'",
    "CREATE INDEX IF NOT EXISTS requests_released ON requests (released_at) WHERE state = 'released'",
    # Different bodies under an existing request id. Each got one `conflict` response.
    """
    CREATE TABLE IF NOT EXISTS conflicts (
        tenant     text        NOT NULL,
        request_id text        NOT NULL,
        digest     text        NOT NULL,
        told_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, request_id, digest)
    )
    """,
    "CREATE INDEX IF NOT EXISTS conflicts_told ON conflicts (told_at)",
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

"""Create the tables of API keys and of published requests."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    # A key is stored as its keyed hash only. `key_id` is the public part of the key.
    """
    CREATE TABLE IF NOT EXISTS api_keys (
        key_id     text        PRIMARY KEY,
        tenant     text        NOT NULL,
        name       text        NOT NULL,
        digest     bytea       NOT NULL,
        scopes     text[]      NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz
    )
    """,
    # Requests by id, so that a repeated one finds its response on the log.
    """
    CREATE TABLE IF NOT EXISTS published (
        tenant       text        NOT NULL,
        request_id   text        NOT NULL,
        digest       text        NOT NULL,
        published_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, request_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS published_at ON published (published_at)",
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

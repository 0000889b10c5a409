"""Create the table of charged requests, and give API keys a limit of streams."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0004", "0003"

STATEMENTS = (
    "ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS streams integer",
    # Like the counts in `key_usage`, it is not logged: a crash of PostgreSQL empties both.
    """
    CREATE UNLOGGED TABLE IF NOT EXISTS charged (
        tenant     text        NOT NULL,
        request_id text        NOT NULL,
        charged_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, request_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS charged_at ON charged (charged_at)",
)


def upgrade() -> None:
    for statement in (*STATEMENTS, *schema.isolate("charged")):
        op.execute(statement)

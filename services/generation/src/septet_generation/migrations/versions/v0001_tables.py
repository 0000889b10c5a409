"""Tables. Also applies to a schema that has them from before migrations were recorded."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    # Epochs of streamed answers: the epoch rises with every attempt, also after a crash within an answer.
    """
    CREATE TABLE IF NOT EXISTS stream_epochs (
        tenant     text        NOT NULL,
        request_id text        NOT NULL,
        epoch      integer     NOT NULL DEFAULT 1,
        touched_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, request_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS stream_epochs_touched_at ON stream_epochs (touched_at)",
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

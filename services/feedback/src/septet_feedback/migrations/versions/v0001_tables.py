"""Create the tables. The revision also applies to a schema that has them from before migrations existed."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    # Released answers by request. Feedback may arrive days later.
    """
    CREATE TABLE IF NOT EXISTS shown (
        tenant            text        NOT NULL,
        request_id        text        NOT NULL,
        conversation_id   text,
        response_event_id text        NOT NULL,
        question          text,
        answer            text,
        document_ids      text[]      NOT NULL,
        cache_entry_id    text,
        traceparent       text,
        trace_id          text,
        shown_at          timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, request_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS shown_at ON shown (shown_at)",
    # Feedback without an answer so far. A row is deleted when it is joined or after the setting `wait_for`.
    """
    CREATE TABLE IF NOT EXISTS pending (
        tenant      text        NOT NULL,
        request_id  text        NOT NULL,
        feedback_id text        NOT NULL,
        body        bytea       NOT NULL,
        traceparent text,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, request_id, feedback_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS pending_received_at ON pending (received_at)",
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

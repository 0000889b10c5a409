"""Instructions to the assistant that documents contain. Rows from before have none recorded."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE passages ADD COLUMN instructions jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE documents ADD COLUMN instructions integer NOT NULL DEFAULT 0")

"""The embedding models of running instances."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    op.execute("CREATE TABLE models (model text PRIMARY KEY, used_at timestamptz NOT NULL)")

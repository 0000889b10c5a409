"""Rename ``conflicts.told_at`` to ``reported_at`` by adding the new column beside the old one.

Processes of the previous version keep running on this revision: they delete by ``told_at``, and neither version writes
one of the columns itself, so the defaults fill both. A later revision drops ``told_at``, when no process reads it.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"

STATEMENTS = (
    "ALTER TABLE conflicts ADD COLUMN reported_at timestamptz",
    "ALTER TABLE conflicts ALTER COLUMN reported_at SET DEFAULT clock_timestamp()",
    "UPDATE conflicts SET reported_at = told_at",
    "ALTER TABLE conflicts ALTER COLUMN reported_at SET NOT NULL",
    "CREATE INDEX conflicts_reported ON conflicts (reported_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)

"""Enable row-level security: a session sees the rows of its tenant."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    for statement in schema.TENANTS:
        op.execute(statement)

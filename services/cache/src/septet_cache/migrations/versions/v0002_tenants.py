"""Row-level security: a session reads only the rows of its tenant."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    for statement in (*schema.TENANTS, *schema.isolate("entries", "lineage", "documents", "vetoes")):
        op.execute(statement)

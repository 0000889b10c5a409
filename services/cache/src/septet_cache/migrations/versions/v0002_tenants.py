"""Row-level security: a session reads only the rows of its tenant."""

from __future__ import annotations

from alembic import op
from septet_kit.store import chassis

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    for statement in (*chassis.TENANTS, *chassis.isolate("entries", "lineage", "documents", "vetoes")):
        op.execute(statement)

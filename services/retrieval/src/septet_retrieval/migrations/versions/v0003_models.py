"""An index that finds passages with vectors of another model."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    op.execute("CREATE INDEX passages_model ON passages (tenant, model)")

"""An index that finds passages with vectors of another model.

A migration is one transaction, which cannot build an index ``CONCURRENTLY``: the build blocks writes to the table. On a large
table build the index under this name beforehand.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    op.execute("CREATE INDEX IF NOT EXISTS passages_model ON passages (tenant, model)")

"""Add the sample of the evaluation run that a request belongs to, as JSON; NULL for live traffic.

Processes of the previous version keep running on this revision: they write no sample.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE requests ADD COLUMN evaluation text")

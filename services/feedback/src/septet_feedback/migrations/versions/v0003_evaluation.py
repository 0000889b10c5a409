"""Mark answers to requests of evaluation runs: feedback on them gets no label.

Processes of the previous version keep running on this revision: the default fills the column.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE shown ADD COLUMN evaluation boolean NOT NULL DEFAULT false")

"""Create the tables."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0001", None

TABLES = (
    # What judges spent or reserved, by UTC day: of all tenants together.
    """
    CREATE TABLE IF NOT EXISTS spend (
        day       date   PRIMARY KEY,
        calls     bigint NOT NULL,
        tokens    bigint NOT NULL,
        micro_usd bigint NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in (*schema.TABLES, *TABLES):
        op.execute(statement)

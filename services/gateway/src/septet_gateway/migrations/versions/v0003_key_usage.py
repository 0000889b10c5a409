"""Create the table of what each API key has used."""

from __future__ import annotations

from alembic import op
from septet_kit.store import schema

revision, down_revision = "0003", "0002"

# One row for each key that was used lately. It is not logged: a crash of PostgreSQL empties it, and a commit does not
# wait for the disk. Half of a page stays free, so that an update finds room on its row's page.
TABLE = """
    CREATE UNLOGGED TABLE IF NOT EXISTS key_usage (
        tenant   text             NOT NULL,
        key_id   text             NOT NULL,
        at       timestamptz,
        requests double precision NOT NULL DEFAULT 0,
        tokens   double precision NOT NULL DEFAULT 0,
        granted  integer          NOT NULL DEFAULT 0,
        running  jsonb            NOT NULL DEFAULT '{}',
        PRIMARY KEY (tenant, key_id)
    ) WITH (fillfactor = 50)
    """


def upgrade() -> None:
    for statement in (TABLE, *schema.isolate("key_usage")):
        op.execute(statement)

"""DDL of the kit's own tables, one set per service schema, as statements for migrations.

Names are not qualified: a migration runs with its schema first in the search path.
"""

from __future__ import annotations

# IF NOT EXISTS: a schema may have the tables from a version without migrations.
TABLES = (
    """
    CREATE TABLE IF NOT EXISTS inbox (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, event_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS inbox_seen_at ON inbox (seen_at)",
    # A row is an event that must reach the log. Until claimed_until, only claimed_by may send it.
    """
    CREATE TABLE IF NOT EXISTS outbox (
        event_id uuid PRIMARY KEY,
        topic text NOT NULL,
        key bytea,
        value bytea NOT NULL,
        headers jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        claimed_by text NOT NULL,
        claimed_until timestamptz NOT NULL,
        sent_at timestamptz
    )
    """,
    "CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (claimed_until) WHERE sent_at IS NULL",
    "CREATE INDEX IF NOT EXISTS outbox_sent_at ON outbox (sent_at) WHERE sent_at IS NOT NULL",
    # The holder of the lease does the work; its result is stored and returned to later callers.
    """
    CREATE TABLE IF NOT EXISTS ledger (
        key text PRIMARY KEY,
        claimed_by text NOT NULL,
        leased_until timestamptz NOT NULL,
        result bytea,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX IF NOT EXISTS ledger_created_at ON ledger (created_at)",
)

_SERVED = "current_setting('septet.tenant', true)"


def isolate(*tables: str) -> tuple[str, ...]:
    """Row-level security on tables with a column ``tenant``: the session's tenant, or ``*`` for all.

    The expression is not wrapped in a sub-select: as it is, the planner knows its value when it estimates.
    """
    return tuple(
        statement
        for table in tables
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {table} USING (tenant = {_SERVED} OR {_SERVED} = '*')",
        )
    )


# Rows of outbox and ledger belong to the tenant of the transaction that wrote them. Older outbox rows have no tenant;
# the sweep sees all rows.
TENANTS = (
    f"ALTER TABLE outbox ADD COLUMN tenant text NOT NULL DEFAULT coalesce({_SERVED}, '')",
    f"ALTER TABLE ledger ADD COLUMN tenant text NOT NULL DEFAULT coalesce({_SERVED}, '')",
    "UPDATE ledger SET tenant = split_part(key, '/', 1)",
    *isolate("outbox", "ledger"),
)

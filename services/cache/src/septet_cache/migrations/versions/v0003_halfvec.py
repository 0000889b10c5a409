"""Half-precision embeddings, a function for lexical candidates, and missing indexes."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"

STATEMENTS = (
    # Drop the index per embedding length. ``repeat`` creates the new one from the settings.
    """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema() AND indexname LIKE 'entries\\_embedding\\_%'
        LOOP EXECUTE format('DROP INDEX %I', name); END LOOP;
    END $$
    """,
    "ALTER TABLE entries ALTER COLUMN embedding TYPE halfvec USING embedding::halfvec",
    "CREATE INDEX vetoes_created ON vetoes (created_at)",
    # Under row-level security, PostgreSQL uses no index for COALESCE or for operators that are not leakproof.
    "DROP INDEX entries_ended",
    "CREATE INDEX entries_expires ON entries (expires_at)",
    "CREATE INDEX entries_revoked ON entries (revoked_at) WHERE revoked_at IS NOT NULL",
    """
    CREATE INDEX entries_generated ON entries (tenant, scope, created_at)
        WHERE revoked_at IS NULL AND answer_kind = 'generated'
    """,
    # Array overlap is not leakproof, so the index on grams would not be used. The function runs as the owner, to whom
    # the policy does not apply, and filters by the session's tenant itself.
    """
    CREATE FUNCTION sharing_grams(wanted_scope text, at_time timestamptz, wanted_model text, wanted text[], enough bigint)
    RETURNS TABLE (entry_id bigint, shared double precision)
    LANGUAGE sql STABLE ROWS 10 SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH sharing AS (
            SELECT id, grams FROM entries
            WHERE tenant = current_setting('septet.tenant', true) AND scope = wanted_scope AND revoked_at IS NULL
              AND expires_at > at_time AND embedding_model = wanted_model AND grams && wanted LIMIT 500
        )
        SELECT id, (SELECT count(*) FROM unnest(grams) AS g WHERE g = ANY (wanted))::float
                   / greatest(cardinality(grams), 1)
        FROM sharing ORDER BY 2 DESC, 1 LIMIT enough;
    END
    """,
    "REVOKE EXECUTE ON FUNCTION sharing_grams FROM PUBLIC",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)

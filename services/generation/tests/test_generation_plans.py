"""Every SQL statement of generation uses its index on large tables."""

from __future__ import annotations

from datetime import timedelta

from septet_generation.adapters import postgres
from septet_kit.store.plans import Expected, statements_of

from tests.support.plan_suite import PlanSuite

LOAD = (
    """
    INSERT INTO stream_epochs (tenant, request_id, touched_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, now() - n * interval '31 seconds'
    FROM generate_series(1, 20000) n
    """,
)
EXPECTED = {
    "postgres._NEXT": Expected(("big", "r-7"), tenant="big"),
    "postgres._PURGE": Expected((timedelta(days=7),), frozenset({"stream_epochs_touched_at"})),
}


class TestPlans(PlanSuite):
    statements = statements_of(postgres)
    expected = EXPECTED
    load = LOAD

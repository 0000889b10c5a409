"""Every statement of feedback uses its index on large tables."""

from __future__ import annotations

from datetime import timedelta

from septet_feedback.adapters import postgres
from septet_kit.store.plans import Expected, statements_of

from tests.support.plan_suite import PlanSuite

WEEK = timedelta(days=7)
LOAD = (
    """
    INSERT INTO shown (tenant, request_id, response_event_id, document_ids, shown_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, 'e', '{}', now() - n * interval '31 seconds'
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO pending (tenant, request_id, feedback_id, body, received_at)
    SELECT 'big', 'r-' || n, 'f', 'b', now() - n * interval '31 seconds' FROM generate_series(1, 20000) n
    """,
)
EXPECTED = {
    "postgres._STORE": Expected(
        ("big", "r-7", None, "e", "q", "a", [], None, None, None, False, "big", "r-7"),
        frozenset({"pending_pkey"}),
        "big",
    ),
    "postgres._FIND": Expected(("big", "r-7"), frozenset({"shown_pkey"}), "big"),
    "postgres._WAIT": Expected(("big", "r-7", "f", b"b", None), tenant="big"),
    "postgres._DROP_UNMATCHED": Expected((WEEK,), frozenset({"pending_received_at"})),
    "postgres._DELETE_ANSWERS": Expected((WEEK,), frozenset({"shown_at"})),
    # Counts all waiting feedback, which `wait_for` bounds.
    "postgres._COUNT": Expected(whole=frozenset({"pending"})),
}


class TestPlans(PlanSuite):
    statements = statements_of(postgres)
    expected = EXPECTED
    load = LOAD

"""Every statement of the gateway uses its index on large tables."""

from __future__ import annotations

from datetime import timedelta

from septet_gateway.adapters import postgres, usage
from septet_kit.store.plans import Expected, statements_of

from tests.support.plan_suite import PlanSuite

LOAD = (
    """
    INSERT INTO published (tenant, request_id, digest, published_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, 'd', now() - n * interval '31 seconds'
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO api_keys (key_id, tenant, name, digest, scopes)
    SELECT 'k-' || n, 'big', 'n', 'd', '{ask}' FROM generate_series(1, 20000) n
    """,
    "INSERT INTO key_usage (key_id, tenant, at) SELECT 'k-' || n, 'big', now() FROM generate_series(1, 20000) n",
    """
    INSERT INTO charged (tenant, request_id, charged_at)
    SELECT 'big', 'r-' || n, now() - n * interval '31 seconds' FROM generate_series(1, 20000) n
    """,
)
EXPECTED = {
    "postgres._FIND_KEY": Expected(("k-7",), frozenset({"api_keys_pkey"})),
    # Operators list all keys.
    "postgres._LIST_KEYS": Expected(whole=frozenset({"api_keys"})),
    "postgres._STORE_KEY": Expected(("k-0", "big", "n", b"d", ["ask"], None, 3), tenant="big"),
    "postgres._REVOKE_KEY": Expected(("k-7",), frozenset({"api_keys_pkey"})),
    "postgres._RECORD": Expected(("big", "r-0", "d"), tenant="big"),
    "postgres._FIND_PUBLISHED": Expected(("big", "r-7"), frozenset({"published_pkey"}), "big"),
    "postgres._PURGE": Expected((timedelta(days=7),), frozenset({"published_at"})),
    "usage._UPDATE": Expected(
        ("k-7", "instance", 1, 0, 0, 10, 10, 10, 15.0, None, "big"), frozenset({"key_usage_pkey"}), "big"
    ),
    "usage._CREATE": Expected(("k-0", "big"), tenant="big"),
    # One row for each key. An index on the time of the last call would make each call write to it.
    "usage._PURGE": Expected((timedelta(days=1),), whole=frozenset({"key_usage"})),
    "usage._CLAIM": Expected(("big", ["r-7", "r-0"]), tenant="big"),
    "usage._PURGE_CHARGED": Expected((timedelta(days=7),), frozenset({"charged_at"})),
}


class TestPlans(PlanSuite):
    statements = statements_of(postgres, usage)
    expected = EXPECTED
    load = LOAD

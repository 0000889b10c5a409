"""Every statement of eval and of the kit's store uses its index on large tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from septet_eval.adapters import postgres
from septet_kit.store import ledger, outbox, unit
from septet_kit.store.plans import Expected, faults_of, statements_of
from septet_kit.store.pool import StorePool

from tests.support.plan_suite import PlanSuite

NOW, DAY = datetime.now(UTC), timedelta(days=1)
REQUEST = ("big", "r-7", None, "d", NOW, NOW, None, None)
IDS = [uuid4()]
ROW = (IDS[0], "t", b"k", b"v", "{}", "eval-0/x", "big", DAY)
ROWS = (*([value] for value in ROW[:5]), *ROW[5:])


# Purges run often, so a few rows in a hundred are old enough: seven days here, nine in the kit's store.
LOAD = (
    """
    INSERT INTO requests (tenant, request_id, digest, state, accepted_at, deadline, expires_at, released_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, 'd',
           CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'released' END,
           now() - n * interval '1 second', now(), now() + (n - 10) * interval '1 second',
           CASE WHEN n % 100 = 0 THEN NULL ELSE now() - n * interval '31 seconds' END
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO requests (tenant, request_id, digest, state, accepted_at, deadline, expires_at)
    SELECT 'big', 'c-' || n, '', 'cancelled', now(), now(), now() + (n - 20) * interval '1 second'
    FROM generate_series(1, 2000) n
    """,
    """
    INSERT INTO conflicts (tenant, request_id, digest, reported_at)
    SELECT 'big', 'r-' || n, 'd', now() - n * interval '31 seconds' FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO inbox SELECT 'c', gen_random_uuid(), now() - n * interval '39.5 seconds' FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO outbox (event_id, topic, value, claimed_by, claimed_until, sent_at, tenant)
    SELECT gen_random_uuid(), 't', 'v', 'eval-0/x', now() - interval '1 minute' + n % 2 * interval '1 hour',
           CASE WHEN n % 200 = 0 THEN NULL ELSE now() - n * interval '39.5 seconds' END, 'big'
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO ledger (key, claimed_by, leased_until, result, created_at, tenant)
    SELECT 'big/' || n, 'x', now(), 'r', now() - n * interval '39.5 seconds', 'big' FROM generate_series(1, 20000) n
    """,
)


def expect(*indexes: str, args: tuple[object, ...] = (), tenant: str = "*", **more: bool) -> Expected:
    return Expected(args, frozenset(indexes), tenant, **more)


EXPECTED = {
    "postgres._REGISTER": expect(args=REQUEST, tenant="big"),
    "postgres._RELEASE": expect(args=(*REQUEST, "answered", *ROWS), tenant="big"),
    "postgres._OBSTACLE": expect("requests_pkey", args=("big", "r-7", "other"), tenant="big"),
    "postgres._CANCEL": expect(args=("big", "r-7", DAY), tenant="big"),
    "postgres._RELEASE_CANCELLED": expect("requests_pkey", args=REQUEST, tenant="big"),
    "postgres._INSERT_CONFLICT": expect("requests_pkey", args=("big", "r-7", "other"), tenant="big"),
    "postgres._IS_ANY_OVERDUE": expect("requests_pending"),
    "postgres._EXPIRE": expect("requests_pending", "requests_pkey", args=(100,)),
    "postgres._PURGE": expect("requests_released", "requests_pkey", args=(7 * DAY,)),
    "postgres._PURGE_CANCELLED": expect("requests_cancelled"),
    "postgres._PURGE_CONFLICTS": expect("conflicts_reported", args=(7 * DAY,)),
    "unit._SEE": expect(args=("c", IDS[0]), tenant="big"),
    "unit._PUT": expect(args=ROW, tenant="big"),
    "outbox._MARK": expect("outbox_pkey", args=(IDS,)),
    "outbox._TAKE": expect("outbox_unsent", "outbox_pkey", args=("eval-0/x", "eval-0/%", IDS, DAY)),
    "outbox._OLDER": expect("outbox_unsent", args=(NOW,)),
    "outbox._SETTLED": expect("outbox_pkey", args=(IDS[0],)),
    "outbox._RENEW": expect("outbox_pkey", args=(IDS, "eval-0/x", DAY)),
    "outbox._PURGE[0]": expect("outbox_sent_at", args=(9 * DAY,)),
    "outbox._PURGE[1]": expect("inbox_seen_at", args=(9 * DAY,)),
    "outbox._PURGE[2]": expect("ledger_created_at", args=(9 * DAY,)),
    "ledger._CLAIM": expect("ledger_pkey", args=("big/7", "x", "x/%", DAY, False), tenant="big"),
    "ledger._READ": expect("ledger_pkey", args=("big/7",), tenant="big"),
    "ledger._STORE": expect(args=("big/7", "x", b"r"), tenant="big"),
    "ledger._RENEW": expect("ledger_pkey", args=("big/7", "x", DAY), tenant="big"),
    "ledger._DROP": expect("ledger_pkey", args=("big/7", "x"), tenant="big"),
}


class TestPlans(PlanSuite):
    statements = statements_of(postgres, unit, outbox, ledger)
    expected = EXPECTED
    load = LOAD

    async def test_a_sequential_scan_is_found(self, grown: StorePool) -> None:
        by_digest = "SELECT status FROM requests WHERE digest = $1 AND status = $2"
        faults = await faults_of(grown, by_digest, expect("requests_pkey", args=("x", "y"), tenant="big"))
        assert any("end to end" in fault for fault in faults)
        assert any("without ['requests_pkey']" in fault for fault in faults)

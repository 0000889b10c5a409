"""Every statement of judge uses its index on large tables."""

from __future__ import annotations

from datetime import date

from septet_judge.adapters import postgres
from septet_kit.store.plans import Expected, statements_of

from tests.support.plan_suite import PlanSuite

DAY = date(2026, 1, 1)
LOAD = ("INSERT INTO spend SELECT current_date - n, 1, 1, 1 FROM generate_series(0, 20000) n",)
KEY = frozenset({"spend_pkey"})
EXPECTED = {
    "postgres._RESERVE": Expected((1, 10, 10, 100, 1000, 1000)),
    "postgres._SETTLE": Expected((DAY, -1, -5, -5), KEY),
    "postgres._TODAY": Expected(indexes=KEY),
    "postgres._PURGE": Expected((19_990,), KEY),
}


class TestPlans(PlanSuite):
    statements = statements_of(postgres)
    expected = EXPECTED
    load = LOAD

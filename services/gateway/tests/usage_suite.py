"""The suite that every table of usage passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_gateway.domain.quotas import Limits
from septet_gateway.ports import UsageReport

LEASE = timedelta(seconds=15)
NOW = datetime.now(UTC)
MakeTable = Callable[[Limits], Any]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def report(
    wanted: int = 0, running: int = 0, tokens: int = 0, key: str = "k", tenant: str = "acme"
) -> UsageReport:
    return UsageReport(tenant, key, wanted, running, tokens)


class UsageSuite:
    """Subclasses define the fixture ``make``: each call is another instance on the same rows."""

    async def test_calls_are_granted_up_to_the_limit_which_refills_evenly(self, make: MakeTable) -> None:
        first, second = make(Limits(requests=6)), make(Limits(requests=6))
        assert (await first.update(report(4), at(0))).granted == 4
        usage = await second.update(report(4), at(0))
        assert (usage.granted, usage.requests) == (2, pytest.approx(6))
        assert (await first.update(report(1), at(9.99))).granted == 0
        assert (await first.update(report(2), at(10))).granted == 1
        assert (await second.update(report(9), at(1000))).granted == 6

    async def test_refused_calls_do_not_count(self, make: MakeTable) -> None:
        table = make(Limits(requests=1))
        assert [(await table.update(report(1), at(0))).granted for _ in range(3)] == [1, 0, 0]
        assert (await table.update(report(1), at(60))).granted == 1

    async def test_keys_and_tenants_have_their_own_counts(self, make: MakeTable) -> None:
        table = make(Limits(requests=1))
        for wanted in (report(1), report(1, key="k-2"), report(1, tenant="globex")):
            assert (await table.update(wanted, at(0))).granted == 1

    async def test_tokens_refuse_until_their_count_has_fallen_below_the_limit(self, make: MakeTable) -> None:
        table = make(Limits(tokens=60))
        assert (await table.update(report(5), at(0))).granted == 5
        usage = await table.update(report(1, tokens=180), at(0))
        assert (usage.granted, usage.tokens) == (0, pytest.approx(180))
        assert (await table.update(report(1), at(120.9))).granted == 0
        assert (await table.update(report(1), at(121))).granted == 1

    async def test_calls_in_progress_are_counted_over_all_instances(self, make: MakeTable) -> None:
        first, second = make(Limits(concurrent=3)), make(Limits(concurrent=3))
        assert (await first.update(report(2), at(0))).granted == 2
        assert (await second.update(report(2), at(0))).granted == 1
        assert (await first.update(report(1, running=2), at(1))).granted == 0
        assert (await first.update(report(running=0), at(2))).granted == 0
        assert (await second.update(report(5, running=1), at(2))).granted == 2

    async def test_an_instance_that_reports_nothing_loses_its_calls_in_progress(
        self, make: MakeTable
    ) -> None:
        ended, left = make(Limits(concurrent=2)), make(Limits(concurrent=2))
        assert (await ended.update(report(2), at(0))).granted == 2
        assert (await ended.update(report(running=2), at(5))).granted == 0
        assert (await left.update(report(1), at(19.9))).granted == 0
        assert (await left.update(report(1), at(20))).granted == 1

    async def test_the_lowest_limit_counts(self, make: MakeTable) -> None:
        table = make(Limits(requests=4, concurrent=3))
        assert (await table.update(report(9), at(0))).granted == 3
        assert (await table.update(report(9), at(0))).granted == 1

    async def test_a_report_with_limits_of_its_own_is_granted_by_them(self, make: MakeTable) -> None:
        table = make(Limits(concurrent=9))
        own = replace(report(3, key="k/streams"), limits=Limits(concurrent=2))
        assert (await table.update(own, at(0))).granted == 2
        assert (await table.update(report(3), at(0))).granted == 3

    async def test_a_request_is_claimed_once_by_all_instances(self, make: MakeTable) -> None:
        first, second = make(Limits(tokens=9)), make(Limits(tokens=9))
        assert await first.claim("acme", ["r-2", "r-1"]) == {"r-1", "r-2"}
        assert await second.claim("acme", ["r-1", "r-3"]) == {"r-3"}
        assert await second.claim("globex", ["r-1"]) == {"r-1"}

    async def test_concurrent_claims_give_each_request_to_one(self, make: MakeTable) -> None:
        ids = [f"r-{n}" for n in range(50)]
        tables = [make(Limits(tokens=9)) for _ in range(8)]
        found = await asyncio.gather(
            *(table.claim("acme", ids if n % 2 else ids[::-1]) for n, table in enumerate(tables))
        )
        assert sorted(each for claimed in found for each in claimed) == sorted(ids)

    async def test_a_clock_that_goes_back_grants_nothing_more(self, make: MakeTable) -> None:
        table = make(Limits(requests=1))
        assert (await table.update(report(1), at(0))).granted == 1
        assert (await table.update(report(1), at(-90))).granted == 0
        assert (await table.update(report(1), at(59))).granted == 0
        assert (await table.update(report(1), at(60))).granted == 1

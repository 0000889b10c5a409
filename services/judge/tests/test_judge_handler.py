"""The handler of ``responses``, with the ledger, the inbox and the budget on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import Response
from septet_experiments.judges import EndpointSettings, JudgeModel, JudgeUnavailable, Rubric, Usage
from septet_judge.adapters.postgres import PostgresBudget
from septet_judge.application.judging import ResponseJudge
from septet_judge.domain.breaker import Breaker
from septet_judge.domain.budget import Spend
from septet_judge.domain.evaluation import CalibratedProtocol
from septet_judge.domain.selection import Sampling, Selection
from septet_judge.handlers import ResponsesHandler
from septet_kit.store import Ledger
from septet_kit.store.pool import StorePool
from septet_kit.testing import context

from .support import FakeEndpoint, response

pytestmark = pytest.mark.servers
LIMITS = Spend(100, 100_000, 1_000_000)


def handler(
    pool: StorePool, endpoint: FakeEndpoint, limits: Spend = LIMITS, **fields: Any
) -> ResponsesHandler:
    judge = ResponseJudge(
        [CalibratedProtocol(Rubric(JudgeModel("large"), samples=1))],
        endpoint,
        EndpointSettings(attempts=1),
        PostgresBudget(pool, limits),
        Breaker(100, 10, 60, lambda: 0.0),
        timedelta(seconds=5),
    )
    base: dict[str, Any] = {"max_age": timedelta(minutes=10), "evaluator": "judge:large"}
    return ResponsesHandler(
        Selection(Sampling(1.0), "large", False), judge, Ledger(pool, "judge-0"), pool, **(base | fields)
    )


def record(event: Response, **fields: Any) -> Any:
    return context("responses", event, **fields)


async def test_a_judged_response_becomes_one_evaluation(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()
    (emit,) = await handler(pool, endpoint)(event, record(event))
    assert (emit.topic, emit.event.scores[0].value) == ("evaluations", 0.75)
    assert emit.record_key == b"default:r-1"
    assert await PostgresBudget(pool, LIMITS).today() == Spend(1, 120, 1000)


async def test_a_redelivery_neither_calls_nor_publishes_again(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()
    handle = handler(pool, endpoint)
    await handle(event, record(event))
    assert await handle(event, record(event)) == []
    assert len(endpoint.calls) == 1


async def test_a_paid_judgment_is_published_after_a_crash_even_if_it_is_late_by_then(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()

    async def crash(*_: object) -> Any:
        raise asyncio.CancelledError

    first = handler(pool, endpoint)
    object.__setattr__(first, "_publish", crash)
    with pytest.raises(asyncio.CancelledError):
        await first(event, record(event))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    (emit,) = await handler(pool, endpoint)(event, record(event, timestamp=long_ago))
    assert emit.topic == "evaluations"
    assert len(endpoint.calls) == 1


async def test_late_records_are_skipped_so_that_no_backlog_grows(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    assert await handler(pool, endpoint)(event, record(event, timestamp=long_ago)) == []
    assert endpoint.calls == []


async def test_a_reply_without_a_verdict_is_paid_once_and_published_never(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()
    endpoint.texts["rubric_reason"] = "well"
    handle = handler(pool, endpoint)
    assert [await handle(event, record(event)) for _ in range(2)] == [[], []]
    assert len(endpoint.calls) == 1


async def test_an_outage_is_skipped_and_leaves_no_ledger_row(pool: StorePool) -> None:
    endpoint, event = FakeEndpoint(), response()
    endpoint.error = JudgeUnavailable("down", usage=Usage(calls=1))
    assert await handler(pool, endpoint)(event, record(event)) == []
    assert await pool.fetchval("SELECT count(*) FROM ledger", tenant="default") == 0


async def test_concurrent_reservations_never_exceed_the_budget(pool: StorePool) -> None:
    """Two processes' worth of reservations at once: the sum stays within each limit."""
    budgets = [PostgresBudget(pool, Spend(10, 1000, 1000)) for _ in range(2)]
    found = await asyncio.gather(*(budgets[n % 2].reserve(Spend(1, 90, 1)) for n in range(40)))
    assert sum(r is not None for r in found) == 10
    assert await budgets[0].today() == Spend(10, 900, 10)


async def test_settling_returns_what_was_not_spent(pool: StorePool) -> None:
    budget = PostgresBudget(pool, Spend(2, 100, 100))
    reservation = await budget.reserve(Spend(2, 100, 100))
    assert reservation is not None
    assert await budget.reserve(Spend(1, 1, 0)) is None
    await budget.settle(reservation, Spend(1, 40, 5))
    assert await budget.today() == Spend(1, 40, 5)
    assert await budget.reserve(Spend(1, 60, 95)) is not None


async def test_a_restart_does_not_reset_the_budget(pool: StorePool) -> None:
    assert await PostgresBudget(pool, Spend(1, 10, 10)).reserve(Spend(1, 10, 10)) is not None
    assert await PostgresBudget(pool, Spend(1, 10, 10)).reserve(Spend(1, 1, 1)) is None


async def test_a_reservation_above_the_limit_makes_no_row(pool: StorePool) -> None:
    budget = PostgresBudget(pool, Spend(1, 10, 10))
    assert await budget.reserve(Spend(2, 1, 1)) is None
    assert await budget.today() == Spend()


async def test_old_days_are_deleted(pool: StorePool) -> None:
    await pool.execute("INSERT INTO spend VALUES ('2020-01-01', 1, 1, 1)")
    await PostgresBudget(pool, LIMITS).purge(timedelta(days=400))
    assert await pool.fetchval("SELECT count(*) FROM spend") == 0

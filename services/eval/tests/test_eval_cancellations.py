"""Exactly one response per request, for any order of request, outcomes, deadline and cancellations."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from septet_contracts import Cancellation, Release, Request, ResponseV1
from septet_eval.adapters.postgres import PostgresRequestRegistry
from septet_eval.domain.caster import VERSIONS
from septet_eval.housekeeping import DeadlineSweeper
from septet_kit.observe.tracing import derived_context
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.testing import context

from .support import TOPICS, Handlers, Log, cancel, outcome_of, overdue, register, release, request


async def states(pool: StorePool) -> list[tuple[str, str | None]]:
    """State and status of all requests."""
    rows = await pool.fetch(
        "SELECT state, status FROM requests ORDER BY tenant, request_id", tenant=ALL_TENANTS
    )
    return [(row["state"], row["status"]) for row in rows]


def counted(effect: str) -> float:
    return REGISTRY.get_sample_value("septet_eval_cancellations_total", {"effect": effect}) or 0.0


async def test_a_pending_request_is_released_as_cancelled(handlers: Handlers, pool: StorePool) -> None:
    asked = request("r-1", conversation_id="c-1")
    await register(handlers, asked)
    before = counted("released")
    [response] = await cancel(handlers, "r-1")
    assert (response.status, response.conversation_id, response.answer) == ("cancelled", "c-1", None)
    assert (response.scores, response.verdicts) == ((), ())
    assert response.error is not None
    assert response.error.code == "cancelled"
    assert response.trace_id == f"{derived_context('default', 'r-1').trace_id:032x}"
    assert await states(pool) == [("released", "cancelled")]
    keys = await pool.fetch("SELECT key FROM outbox", tenant=ALL_TENANTS)
    assert [row["key"] for row in keys] == [b"default:c-1"] * len(TOPICS)
    assert counted("released") == before + 1


async def test_a_redelivered_cancellation_and_a_later_outcome_change_nothing(
    handlers: Handlers, pool: StorePool
) -> None:
    asked = request("r-1")
    await register(handlers, asked)
    assert len(await cancel(handlers, "r-1")) == 1
    assert await cancel(handlers, "r-1") == []
    assert await release(handlers, outcome_of(asked)) == []
    assert await register(handlers, asked) == []
    assert await states(pool) == [("released", "cancelled")]


async def test_a_cancellation_after_the_release_has_no_effect(handlers: Handlers, pool: StorePool) -> None:
    asked = request("r-1")
    await register(handlers, asked)
    assert len(await release(handlers, outcome_of(asked))) == 1
    before = counted("ignored")
    assert await cancel(handlers, "r-1") == []
    assert await states(pool) == [("released", "answered")]
    assert counted("ignored") == before + 1


async def test_a_cancellation_that_overtakes_its_request_is_remembered(
    handlers: Handlers, pool: StorePool
) -> None:
    asked = request("r-1", conversation_id="c-1")
    before = counted("remembered")
    assert await cancel(handlers, "r-1") == []
    assert counted("remembered") == before + 1
    assert await states(pool) == [("cancelled", None)]
    [response] = await register(handlers, asked)
    assert (response.status, response.conversation_id) == ("cancelled", "c-1")
    assert await register(handlers, asked) == []
    assert await release(handlers, outcome_of(asked)) == []


async def test_an_outcome_that_overtakes_a_cancelled_request_is_not_released(handlers: Handlers) -> None:
    asked = request("r-1")
    await cancel(handlers, "r-1")
    [response] = await release(handlers, outcome_of(asked))
    assert (response.status, response.answer) == ("cancelled", None)
    assert await register(handlers, asked) == []


async def test_a_second_body_under_a_cancelled_id_is_a_conflict(handlers: Handlers) -> None:
    first, second = request("r-1"), request("r-1", "큐는 무엇인가요?")
    await cancel(handlers, "r-1")
    released = [await register(handlers, asked) for asked in (first, second, second)]
    assert [[r.status for r in each] for each in released] == [["cancelled"], ["failed"], []]


async def test_a_cancellation_of_another_tenant_has_no_effect(handlers: Handlers, pool: StorePool) -> None:
    asked = request("r-1", tenant="acme")
    await register(handlers, asked)
    assert await cancel(handlers, "r-1", "globex") == []
    [response] = await release(handlers, outcome_of(asked, tenant="acme"))
    assert (response.status, response.tenant) == ("answered", "acme")
    assert await states(pool) == [("released", "answered"), ("cancelled", None)]


async def test_a_cancelled_id_without_a_request_is_forgotten_after_the_longest_deadline(
    handlers: Handlers, pool: StorePool
) -> None:
    registry = PostgresRequestRegistry(pool, VERSIONS)
    await cancel(handlers, "r-1")
    await registry.purge(timedelta(days=8))
    assert await states(pool) == [("cancelled", None)]
    aged = "UPDATE requests SET expires_at = expires_at - interval '1 hour'"
    await pool.execute(aged, tenant=ALL_TENANTS)
    await registry.purge(timedelta(days=8))
    assert await states(pool) == []


async def test_the_deadline_releases_no_cancelled_id_without_a_request(
    handlers: Handlers, sweeper: DeadlineSweeper, pool: StorePool
) -> None:
    """There is nobody to respond to, and the body is not known."""
    await cancel(handlers, "r-1")
    past = "UPDATE requests SET expires_at = clock_timestamp() - interval '1 s'"
    await pool.execute(past, tenant=ALL_TENANTS)
    assert await sweeper.sweep() == 0


async def test_version_1_reports_a_failure_with_the_code_cancelled(handlers: Handlers) -> None:
    await register(handlers, request("r-1"))
    ctx = context("cancellations", deadline=None)
    emits = await handlers.cancellations(Cancellation(request_id="r-1"), ctx)
    old = next(e.event for e in emits if e.topic == "responses.v1")
    assert isinstance(old, ResponseV1)
    assert old.error is not None
    assert (old.status, old.error.code) == ("failed", "cancelled")


async def test_the_cache_keeps_nothing_of_a_cancelled_request(handlers: Handlers) -> None:
    await register(handlers, request("r-1"))
    ctx = context("cancellations", deadline=None)
    emits = await handlers.cancellations(Cancellation(request_id="r-1"), ctx)
    event = next(e.event for e in emits if e.topic == "releases")
    assert isinstance(event, Release)
    assert (event.admissible, event.admission_reason) == (False, "the status is cancelled")


EVENTS = ("request", "outcome", "second outcome", "cancellation", "deadline")


def expected(order: tuple[str, ...]) -> str:
    """Status of the one response: that of the first event that can end the request. A deadline ends a pending one."""
    registered = False
    for event in order:
        if event == "cancellation":
            return "cancelled"
        if event.endswith("outcome"):
            return "answered"
        if event == "deadline" and registered:
            return "expired"
        registered = registered or event == "request"
    raise AssertionError("there is an outcome")


async def test_every_order_of_the_events_releases_one_response(
    handlers: Handlers, sweeper: DeadlineSweeper, pool: StorePool
) -> None:
    """Each order has a request of its own; the statuses are those of the rule above."""
    orders = list(itertools.permutations(EVENTS))

    async def expire(request_id: str) -> list[str]:
        past = (
            "UPDATE requests SET expires_at = clock_timestamp() - interval '1 ms' "
            "WHERE request_id = $1 AND state = 'pending'"
        )
        await pool.execute(past, request_id, tenant=ALL_TENANTS)
        return ["expired"] * await sweeper.sweep()

    async def happen(event: str, asked: Request) -> list[str]:
        if event == "deadline":
            return await expire(asked.request_id)
        if event == "request":
            made = await register(handlers, asked)
        elif event == "cancellation":
            made = await cancel(handlers, asked.request_id)
        else:
            made = await release(handlers, outcome_of(asked, event))
        return [response.status for response in made]

    for number, order in enumerate(orders):
        asked = request(f"r-{number}")
        statuses = [status for event in order for status in await happen(event, asked)]
        assert statuses == [expected(order)], order
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == len(orders) * len(TOPICS)


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_requests_outcomes_and_cancellations_release_one_response(
    handlers: Handlers, pool: StorePool, seed: int
) -> None:
    asked = [request(f"r-{i}") for i in range(30)]
    kinds = ["request"] * 2 + ["outcome"] * 3 + ["cancellation"] * 3
    calls = [(a, kind) for a in asked for kind in kinds]
    random.Random(seed).shuffle(calls)

    async def one(a: Request, kind: str) -> list[tuple[str, str]]:
        if kind == "request":
            made = await register(handlers, a)
        elif kind == "outcome":
            made = await release(handlers, outcome_of(a))
        else:
            made = await cancel(handlers, a.request_id)
        return [(r.request_id, r.status) for r in made]

    released = [r for out in await asyncio.gather(*(one(*c) for c in calls)) for r in out]
    assert Counter(name for name, _ in released) == {a.request_id: 1 for a in asked}
    assert {status for _, status in released} <= {"answered", "cancelled"}
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == 30 * len(TOPICS)
    assert {state for state, _ in await states(pool)} == {"released"}


async def test_concurrent_sweepers_and_cancellations_release_each_request_once(
    handlers: Handlers, pool: StorePool, sweeper: DeadlineSweeper, log: Log
) -> None:
    asked = await overdue(handlers, pool, 40)

    async def sweep_all() -> None:
        while await sweeper.sweep():
            pass

    given = await asyncio.gather(*(cancel(handlers, a.request_id) for a in asked), sweep_all(), sweep_all())
    cancelled = [r.request_id for out in given if out for r in out]
    expired = [
        r.key.decode().removeprefix("default:")
        for r in log.records
        if r.topic == "septet.responses.v2" and r.key
    ]
    assert sorted(cancelled + expired) == sorted(a.request_id for a in asked)

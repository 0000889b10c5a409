"""Exactly one response per request, for any order and repetition of requests and outcomes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prometheus_client import REGISTRY
from septet_contracts import EvaluationSample, Request, Response, encode, topic
from septet_eval.adapters.postgres import PostgresRequestRegistry
from septet_eval.domain.caster import VERSIONS
from septet_eval.housekeeping import DeadlineSweeper
from septet_kit.observe.tracing import derived_context
from septet_kit.observe.traffic import traffic_of
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.testing import context

from .support import QUARTER, TOPICS, Handlers, Log, cancel, outcome_of, overdue, register, release, request


async def test_a_registered_request_is_released_by_its_outcome(handlers: Handlers, pool: StorePool) -> None:
    asked = request("r-1", conversation_id="c-1")
    assert await register(handlers, asked) == []
    [response] = await release(handlers, outcome_of(asked))
    assert (response.status, response.conversation_id) == ("answered", "c-1")
    row = await pool.fetchrow("SELECT state, status FROM requests", tenant=ALL_TENANTS)
    assert row is not None
    assert dict(row) == {"state": "released", "status": "answered"}
    outbox = await pool.fetch(
        "SELECT event_id, topic, key, value FROM outbox ORDER BY topic DESC", tenant=ALL_TENANTS
    )
    assert [row["topic"] for row in outbox] == [
        "septet.responses.v2",
        "septet.responses.v1",
        "septet.releases.v1",
    ]
    assert len({row["event_id"] for row in outbox}) == 3
    assert {row["key"] for row in outbox} == {b"default:c-1"}
    assert (outbox[0]["event_id"], outbox[0]["value"]) == (response.event_id, encode(response))


@pytest.mark.parametrize("header", [b"\x00", b"\xff" * 5000, b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"])
async def test_an_invalid_trace_header_does_not_prevent_registration(
    handlers: Handlers, pool: StorePool, sweeper: DeadlineSweeper, log: Log, header: bytes
) -> None:
    asked = request("r-1", deadline=datetime.now(UTC))
    ctx = context("requests", value=encode(asked), headers={"traceparent": header})
    assert list(await handlers.requests(asked, ctx)) == []
    await pool.execute(
        "UPDATE requests SET expires_at = clock_timestamp() - interval '1 ms'", tenant=ALL_TENANTS
    )
    assert await sweeper.sweep() == 1
    response = Response.model_validate_json(log.records[0].value or b"")
    derived = f"{derived_context('default', 'r-1').trace_id:032x}"
    assert response.trace_id == ("a" * 32 if header.startswith(b"00-") else derived)


async def test_an_outcome_that_overtakes_its_request_is_released_once(handlers: Handlers) -> None:
    asked = request("r-1")
    assert len(await release(handlers, outcome_of(asked))) == 1
    assert await register(handlers, asked) == []
    assert await release(handlers, outcome_of(asked)) == []


async def test_a_redelivery_changes_nothing(handlers: Handlers, pool: StorePool) -> None:
    asked = request("r-1")
    await register(handlers, asked)
    await register(handlers, asked)
    given = [await release(handlers, outcome_of(asked)) for _ in range(3)]
    assert [len(g) for g in given] == [1, 0, 0]
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == len(TOPICS)


async def test_the_first_outcome_wins(handlers: Handlers) -> None:
    asked = request("r-1")
    await register(handlers, asked)
    [first] = await release(handlers, outcome_of(asked, "timeout", status="failed", answer=None))
    assert await release(handlers, outcome_of(asked)) == []
    assert first.status == "failed"


async def test_a_second_body_under_an_id_gets_one_conflict_and_the_first_its_answer(
    handlers: Handlers,
) -> None:
    first, second = request("r-1", "What is a deque?"), request("r-1", "큐는 무엇인가요?")
    await register(handlers, first)
    [conflict] = await register(handlers, second)
    assert conflict.status == "failed"
    assert conflict.error is not None
    assert (conflict.error.code, conflict.error.field) == ("conflict", "request_id")
    assert await register(handlers, second) == []
    assert await release(handlers, outcome_of(second)) == []
    [answer] = await release(handlers, outcome_of(first))
    assert answer.status == "answered"
    assert answer.event_id != conflict.event_id
    [third] = await register(handlers, request("r-1", "What is a heap?"))
    assert third.event_id != conflict.event_id


async def test_an_outcome_of_a_second_body_gets_one_conflict(handlers: Handlers) -> None:
    first, second = request("r-1", "What is a deque?"), request("r-1", "What is a queue?")
    await register(handlers, first)
    [conflict] = await release(handlers, outcome_of(second))
    assert conflict.error is not None
    assert conflict.error.code == "conflict"
    assert await register(handlers, second) == []
    [answer] = await release(handlers, outcome_of(first))
    assert answer.status == "answered"


async def test_tenants_have_separate_request_ids(handlers: Handlers) -> None:
    for tenant in ("acme", "globex"):
        asked = request("r-1", tenant=tenant)
        assert await register(handlers, asked) == []
        assert len(await release(handlers, outcome_of(asked, tenant=tenant))) == 1


async def test_one_of_fifty_concurrent_outcomes_is_released_for_each_request(
    handlers: Handlers, pool: StorePool
) -> None:
    asked = [request(f"r-{i}") for i in range(20)]
    calls = [(a, n) for a in asked for n in range(50)]
    random.Random(7).shuffle(calls)

    async def one(a: Request, n: int) -> list[Response]:
        return await (register(handlers, a) if n == 0 else release(handlers, outcome_of(a, str(n))))

    released = [r for out in await asyncio.gather(*(one(*c) for c in calls)) for r in out]
    assert Counter(r.request_id for r in released) == {a.request_id: 1 for a in asked}
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == 20 * len(TOPICS)


async def test_every_response_to_an_evaluation_run_names_its_sample(
    handlers: Handlers, pool: StorePool, sweeper: DeadlineSweeper, log: Log
) -> None:
    sample = EvaluationSample(run="run-1", case="c", draw=2)
    answered, late, other = (request(name, evaluation=sample) for name in ("r-1", "r-2", "r-3"))
    for asked in (answered, late, other):
        await register(handlers, asked)
    before = _released("answered", "evaluation"), _released("answered", "live")
    with traffic_of(answered):
        [first] = await release(handlers, outcome_of(answered, ask=answered))
    [cancelled] = await cancel(handlers, "r-3")
    await pool.execute(
        "UPDATE requests SET expires_at = clock_timestamp() - interval '1 ms'", tenant=ALL_TENANTS
    )
    assert await sweeper.sweep() == 1
    expired = Response.model_validate_json(log.records[0].value or b"")
    assert [r.status for r in (first, cancelled, expired)] == ["answered", "cancelled", "expired"]
    assert [r.evaluation for r in (first, cancelled, expired)] == [sample] * 3
    assert (_released("answered", "evaluation"), _released("answered", "live")) == (before[0] + 1, before[1])


def _released(status: str, traffic: str) -> float:
    labels = {"status": status, "kind": "none", "traffic": traffic}
    return REGISTRY.get_sample_value("septet_eval_released_total", labels) or 0.0


async def test_an_overdue_request_is_released_as_expired_and_a_late_outcome_is_discarded(
    handlers: Handlers, sweeper: DeadlineSweeper, pool: StorePool, log: Log
) -> None:
    [asked] = await overdue(handlers, pool)
    assert await sweeper.sweep() == 1
    assert await sweeper.sweep() == 0
    assert await release(handlers, outcome_of(asked)) == []
    assert [r.topic for r in log.records] == [topic(name).name for name in TOPICS]
    assert {r.key for r in log.records} == {b"default:late-0"}
    record = log.records[0]
    response = Response.model_validate_json(record.value or b"")
    assert response.status == "expired"
    assert response.error is not None
    assert response.error.code == "deadline_exceeded"
    assert response.trace_id == f"{derived_context('default', 'late-0').trace_id:032x}"
    tenants = [r["tenant"] for r in await pool.fetch("SELECT tenant FROM outbox", tenant=ALL_TENANTS)]
    assert tenants == ["default"] * len(TOPICS)


async def test_a_request_past_its_deadline_expires_after_one_second_at_the_earliest(
    handlers: Handlers, sweeper: DeadlineSweeper
) -> None:
    await register(handlers, request("r-1", deadline=datetime.now(UTC) - timedelta(days=1)))
    assert await sweeper.sweep() == 0


async def test_a_request_before_its_deadline_is_not_expired(
    handlers: Handlers, sweeper: DeadlineSweeper
) -> None:
    await register(handlers, request("r-1"))
    assert await sweeper.sweep() == 0


async def test_concurrent_sweepers_and_outcomes_release_each_request_once(
    handlers: Handlers, pool: StorePool, log: Log
) -> None:
    """The first ten are answered in time and the last ten late. The forty others race with the sweepers."""
    asked = await overdue(handlers, pool, 60)
    sweepers = [
        DeadlineSweeper(PostgresRequestRegistry(pool, VERSIONS), log.publish, QUARTER, 3) for _ in range(4)
    ]

    async def sweep_all(one: DeadlineSweeper) -> None:
        swept = 1
        while swept:
            swept = await one.sweep()

    async def all_of(some: list[Request]) -> list[str]:
        given = await asyncio.gather(*(release(handlers, outcome_of(a)) for a in some))
        return [r.request_id for out in given for r in out]

    in_time = await all_of(asked[:10])
    racing = asyncio.ensure_future(all_of(asked[10:50]))
    await asyncio.gather(*(sweep_all(s) for s in sweepers))
    raced = await racing
    late = await all_of(asked[50:])
    sent = [r for r in log.records if r.topic == topic("responses").name]
    expired = [Response.model_validate_json(r.value or b"").request_id for r in sent]
    assert len(in_time) == 10
    assert late == []
    assert sorted(in_time + raced + expired) == sorted(a.request_id for a in asked)
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == 60 * len(TOPICS)


async def test_a_conflict_has_no_release_event(handlers: Handlers, pool: StorePool) -> None:
    """It answers no question, so the cache and feedback must not read it."""
    await register(handlers, request("r-1"))
    await register(handlers, request("r-1", "What is a heap?"))
    rows = await pool.fetch("SELECT topic FROM outbox ORDER BY 1", tenant=ALL_TENANTS)
    assert [r["topic"] for r in rows] == ["septet.responses.v1", "septet.responses.v2"]


async def test_version_1_is_published_only_if_the_setting_contains_it(
    handlers: Handlers, pool: StorePool
) -> None:
    alone = Handlers.on(pool, (2,))
    emits = await alone.outcomes(outcome_of(request("r-1")), context("outcomes", deadline=None))
    assert [e.topic for e in emits] == ["responses", "releases"]
    rows = await pool.fetch("SELECT topic FROM outbox ORDER BY 1", tenant=ALL_TENANTS)
    assert [r["topic"] for r in rows] == ["septet.releases.v1", "septet.responses.v2"]


async def test_an_event_that_cannot_be_written_prevents_the_release(
    handlers: Handlers, pool: StorePool, eval_owner: asyncpg.Connection
) -> None:
    """The compare-and-set and the rows of all events are one statement."""
    asked = request("r-1")
    await register(handlers, asked)
    for name in ("septet.responses.v2", "septet.responses.v1", "septet.releases.v1"):
        await eval_owner.execute(
            f"ALTER TABLE eval.outbox ADD CONSTRAINT refuse CHECK (topic <> '{name}') NOT VALID"
        )
        try:
            with pytest.raises(Exception, match="refuse"):
                await release(handlers, outcome_of(asked))
        finally:
            await eval_owner.execute("ALTER TABLE eval.outbox DROP CONSTRAINT refuse")
        assert await pool.fetchval("SELECT state FROM requests", tenant=ALL_TENANTS) == "pending"
        assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == 0
    assert len(await release(handlers, outcome_of(asked))) == 1


async def test_a_failed_statement_releases_nothing(
    handlers: Handlers, pool: StorePool, eval_owner: asyncpg.Connection
) -> None:
    asked = request("r-1")
    await register(handlers, asked)
    await eval_owner.execute("ALTER TABLE eval.outbox ADD CONSTRAINT refuse CHECK (false) NOT VALID")
    try:
        with pytest.raises(Exception, match="refuse"):
            await release(handlers, outcome_of(asked))
    finally:
        await eval_owner.execute("ALTER TABLE eval.outbox DROP CONSTRAINT refuse")
    assert await pool.fetchval("SELECT state FROM requests", tenant=ALL_TENANTS) == "pending"
    assert len(await release(handlers, outcome_of(asked))) == 1


async def test_the_purge_deletes_old_released_requests_only(handlers: Handlers, pool: StorePool) -> None:
    for name in ("old", "new", "pending"):
        await register(handlers, request(name))
    await release(handlers, outcome_of(request("old")))
    await release(handlers, outcome_of(request("new")))
    await pool.execute(
        "UPDATE requests SET released_at = now() - interval '8 days' WHERE request_id = 'old'",
        tenant=ALL_TENANTS,
    )
    assert await PostgresRequestRegistry(pool, VERSIONS).purge(timedelta(days=7)) == 1
    rows = await pool.fetch("SELECT request_id FROM requests ORDER BY 1", tenant=ALL_TENANTS)
    assert [r["request_id"] for r in rows] == ["new", "pending"]

"""Searches of the log for earlier responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from septet_contracts import ErrorInfo, Request, Response, encode
from septet_gateway.adapters import kafka as adapter
from septet_gateway.adapters.kafka import KafkaLog
from septet_kit.errors import Transient
from septet_kit.events import Emit
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.publisher import Publisher
from septet_kit.tenants import SHARED_ONLY

from .conftest import open_client
from .support import World, respond

NOW = datetime.now(UTC)


class SlowLog(KafkaLog):
    """A log whose searches wait for ``go``."""

    def __init__(self, limit_s: float) -> None:
        limit = timedelta(seconds=limit_s)
        super().__init__(KafkaConnection("127.0.0.1:9"), SHARED_ONLY, None, limit)  # type: ignore[arg-type]
        self.go = asyncio.Event()
        self.started: list[str] = []

    async def _search(self, _: str, tenant: str, wanted: Sequence[Any]) -> None:
        self.started.append(tenant)
        await self.go.wait()
        for each in wanted:
            each.found.set_result(None)


async def test_the_searches_of_one_tenant_leave_places_to_others() -> None:
    log = SlowLog(limit_s=60)
    calls = [asyncio.ensure_future(log.find("acme", f"r-{n}", NOW, "")) for n in range(20)]
    calls.append(asyncio.ensure_future(log.find("globex", "r-1", NOW, "")))
    await asyncio.sleep(0.01)
    assert log.started == ["acme", "globex"]
    log.go.set()
    assert await asyncio.gather(*calls) == [None] * 21


async def test_one_search_serves_all_calls_that_wait_for_their_turn() -> None:
    """After a restart of the gateway, all its clients repeat their requests."""
    log = SlowLog(limit_s=60)
    calls = [asyncio.ensure_future(log.find("acme", f"r-{n}", NOW, "")) for n in range(200)]
    await asyncio.sleep(0.01)
    log.go.set()
    assert await asyncio.gather(*calls) == [None] * 200
    assert log.started == ["acme"] * len(log.started)
    assert len(log.started) <= 2
    assert not any(log._wanted.values())


async def test_a_search_whose_call_is_cancelled_is_repeated_for_the_others() -> None:
    log = SlowLog(limit_s=60)
    first, second = (asyncio.ensure_future(log.find("acme", f"r-{n}", NOW, "")) for n in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    log.go.set()
    assert await second is None
    assert log.started == ["acme", "acme"]


class Records(KafkaLog):
    """A log with these records. A search that reads the one at ``fails_at`` fails."""

    fails_at: int | None = None

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *responses: Response) -> None:
        limit = timedelta(seconds=60)
        super().__init__(KafkaConnection("127.0.0.1:9"), SHARED_ONLY, None, limit)  # type: ignore[arg-type]
        self.read = 0
        self.starts: list[dict[TopicPartition, int]] = []
        self.times: list[dict[TopicPartition, datetime]] = []

        async def partitions(*_: Any) -> list[TopicPartition]:
            return [TopicPartition("t", 0)]

        async def at(_: Any, times: dict[TopicPartition, datetime]) -> dict[TopicPartition, int]:
            self.times.append(times)
            return dict.fromkeys(times, 0)

        async def records(_: Any, starts: dict[TopicPartition, int]) -> AsyncIterator[Any]:
            self.starts.append(starts)
            [start] = starts.values()
            for offset, response in enumerate(responses[start:], start):
                self.read += 1
                yield SimpleNamespace(topic="t", partition=0, offset=offset, value=encode(response))
                if offset == self.fails_at:
                    raise KafkaError("gone")

        @asynccontextmanager
        async def reader(_: Any) -> AsyncIterator[Any]:
            yield SimpleNamespace(subscribe=lambda _: None)

        monkeypatch.setattr(adapter, "open_reader", reader)
        monkeypatch.setattr(adapter, "assigned_partitions", partitions)
        monkeypatch.setattr(adapter, "offsets_at", at)
        monkeypatch.setattr(adapter, "records_from", records)


def response_to(request_id: str, tenant: str = "acme", **fields: Any) -> Response:
    request = Request(request_id=request_id, tenant=tenant, question="q")
    return respond(request, **fields)


async def test_each_call_gets_its_own_response_from_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, foreign = response_to("r-1"), response_to("r-2"), response_to("r-3", "globex")
    log = Records(monkeypatch, foreign, two, response_to("r-9"), one, response_to("r-10"))
    found = await asyncio.gather(*(log.find("acme", i, NOW, "d") for i in ("r-1", "r-2", "r-1", "r-3")))
    assert found == [one, two, one, None]


async def test_a_search_that_fails_half_way_is_repeated_for_the_responses_that_it_has_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Records(monkeypatch, response_to("r-1"), response_to("r-2"))
    complete, searches = log._search, 0

    async def search(topic: str, tenant: str, wanted: Sequence[Any]) -> None:
        nonlocal searches
        searches += 1
        # The first search begins before the others wait.
        await asyncio.sleep(0.01)
        if searches == 2:
            wanted[2].receives(response_to("r-1"))
            raise KafkaError("gone")
        await complete(topic, tenant, wanted)

    monkeypatch.setattr(log, "_search", search)
    calls = (log.find("acme", i, NOW, "d") for i in ("r-9", "r-0", "r-2", "r-1"))
    _, failed, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(failed, Transient)
    assert isinstance(second, Response)
    assert isinstance(third, Response)


async def test_a_recent_request_does_not_wait_for_the_search_of_an_old_one() -> None:
    log, served = SlowLog(limit_s=60), []
    search = log._search

    async def note(topic: str, tenant: str, wanted: Sequence[Any]) -> None:
        served.append([each.request_id for each in wanted])
        await search(topic, tenant, wanted)

    log._search = note  # type: ignore[method-assign]
    old = NOW - timedelta(days=6.9)
    calls = [("old", old), ("r-1", NOW), ("older", old), ("r-2", NOW), ("r-3", NOW - timedelta(hours=2))]
    finds = [asyncio.ensure_future(log.find("acme", i, since, "d")) for i, since in calls]
    await asyncio.sleep(0.01)
    assert [ids[0] for ids in served] == ["old", "r-1", "r-3"]
    log.go.set()
    await asyncio.gather(*finds)
    assert not any({"old", "older"} & {*ids} and {"r-1", "r-2", "r-3"} & {*ids} for ids in served)


async def test_a_search_begins_where_the_last_one_missed_the_response(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Records(monkeypatch, *(response_to(f"r-{n}") for n in range(5)))
    old, p = NOW - timedelta(days=6.9), TopicPartition("t", 0)
    for _ in range(3):
        assert await log.find("acme", "never", old, "d") is None
    assert log.starts == [{p: 0}, {p: 5}, {p: 5}]
    assert log.times == [{p: old}]
    # Its polls cost little, so they may be served with recent requests, which may begin earlier.
    finds = (log.find("acme", i, NOW, "d") for i in ("never", "r-3"))
    missing, found = await asyncio.gather(*finds)
    assert (missing, found is not None) == (None, True)
    assert log.times == [{p: old}, {p: NOW}]


async def test_a_search_goes_on_where_the_last_one_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes longer to read than the limit is read in several searches."""
    log = Records(monkeypatch, *(response_to(f"r-{n}") for n in range(5)))
    log.fails_at = 2
    with pytest.raises(Transient):
        await log.find("acme", "r-4", NOW, "d")
    log.fails_at = None
    assert await log.find("acme", "r-4", NOW, "d") is not None
    assert [*log.starts[1].values()] == [3]


async def test_the_memory_of_missing_responses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_REMEMBERED", 2)
    log = Records(monkeypatch, response_to("r-1"))
    for n in range(5):
        await log.find("acme", f"never-{n}", NOW, "d")
    assert len(log._missing._entries) == 2


async def test_a_search_ends_when_everything_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Records(monkeypatch, response_to("r-1"), response_to("r-2"))
    assert await log.find("acme", "r-1", NOW, "d") is not None
    assert log.read == 1


async def test_the_conflict_of_another_body_is_not_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ErrorInfo(code="conflict", message="another body")
    other = response_to("r-1", status="failed", answer=None, answer_kind="none", error=error)
    mine = response_to("r-1")
    assert await Records(monkeypatch, other, mine).find("acme", "r-1", NOW, "d") == mine
    assert await Records(monkeypatch, other).find("acme", "r-1", NOW, "d") is None


async def test_the_limit_of_a_search_does_not_count_its_wait_for_others() -> None:
    log = SlowLog(limit_s=0.2)
    first, second = (asyncio.ensure_future(log.find("acme", f"r-{n}", NOW, "")) for n in range(2))
    with pytest.raises(Transient):
        await first
    log.go.set()
    assert await second is None


async def test_the_wait_for_other_searches_is_limited() -> None:
    log = SlowLog(limit_s=0.1)
    calls = [log.find("acme", f"r-{n}", NOW, "") for n in range(10)]
    ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    assert {type(error) for error in ended} == {Transient}
    assert len(log.started) < len(ended)


def test_a_pending_response_is_not_searched_for_while_a_call_waits_for_it(world: World) -> None:
    searches: list[str] = []

    async def find(_: str, request_id: str, *__: Any) -> None:
        searches.append(request_id)

    world.log.find = find  # type: ignore[method-assign,assignment]
    with open_client(world) as client:
        client.post("/v1/septet/requests", json={"question": "q", "request_id": "r-1"})
        path = "/v1/septet/responses/r-1"
        assert client.get(path).status_code == 202
        key = ("acme", "r-1")
        world.waiting._waiters[key] = []
        pending = client.get(path)
        del world.waiting._waiters[key]
    assert (pending.status_code, pending.headers["retry-after"]) == (202, "5")
    assert searches == ["r-1"]


def test_searches_take_places_of_their_tenant(world: World) -> None:
    with open_client(world, max_waiting_per_tenant=1) as client:
        client.post("/v1/septet/requests", json={"question": "q", "request_id": "r-1"})
        with world.waiting.places.take("acme"):
            assert client.get("/v1/septet/responses/r-1").status_code == 429
        assert client.get("/v1/septet/responses/r-1").status_code == 200


@pytest.mark.servers
async def test_a_response_is_found_where_an_earlier_search_ended(kafka: str) -> None:
    await ensure_topics(kafka)
    publisher = Publisher(kafka, "gateway-lookups", SHARED_ONLY)
    await publisher.start()
    try:
        log = KafkaLog(KafkaConnection(kafka), SHARED_ONLY, publisher, timedelta(seconds=30))
        tenant, old = f"t-{uuid4().hex[:8]}", NOW - timedelta(days=6)
        await publisher.publish(*(Emit("responses", response_to(f"o-{n}", tenant)) for n in range(20)))
        for _ in range(2):
            assert await log.find(tenant, "r-1", old, "d") is None
        await publisher.publish(Emit("responses", mine := response_to("r-1", tenant)))
        assert await log.find(tenant, "r-1", old, "d") == mine
        assert await log.find(tenant, "o-3", old, "d") is not None
    finally:
        await publisher.stop()

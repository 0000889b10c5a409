"""Searches of the log for earlier responses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from septet_gateway.adapters.kafka import KafkaLog, _values
from septet_kit.errors import Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import SHARED_ONLY

from .conftest import open_client
from .support import World

NOW = datetime.now(UTC)


class SlowLog(KafkaLog):
    """A log whose searches wait for ``go``."""

    def __init__(self, limit_s: float) -> None:
        limit = timedelta(seconds=limit_s)
        super().__init__(KafkaConnection("127.0.0.1:9"), SHARED_ONLY, None, limit)  # type: ignore[arg-type]
        self.go = asyncio.Event()
        self.started: list[str] = []

    async def _search(self, _: str, tenant: str, *__: Any) -> None:
        self.started.append(tenant)
        await self.go.wait()


async def test_the_searches_of_one_tenant_leave_places_to_others() -> None:
    log = SlowLog(limit_s=60)
    calls = [asyncio.ensure_future(log.find("acme", f"r-{n}", NOW, "")) for n in range(20)]
    calls.append(asyncio.ensure_future(log.find("globex", "r-1", NOW, "")))
    await asyncio.sleep(0.01)
    assert log.started == ["acme", "globex"]
    log.go.set()
    assert await asyncio.gather(*calls) == [None] * 21
    assert len(log.started) == 21


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


async def test_partitions_without_newer_records_are_not_polled() -> None:
    empty, full = TopicPartition("t", 0), TopicPartition("t", 1)

    class Consumer:
        def __init__(self) -> None:
            self.at = {empty: 0, full: 0}
            self.polled: list[Any] = []

        async def end_offsets(self, _: Any) -> dict[Any, int]:
            return {empty: 7, full: 1}

        async def offsets_for_times(self, _: Any) -> dict[Any, Any]:
            return {empty: None, full: type("At", (), {"offset": 0})}

        def seek(self, partition: Any, offset: int) -> None:
            self.at[partition] = offset

        async def position(self, partition: Any) -> int:
            return self.at[partition]

        async def getmany(self, *partitions: Any, timeout_ms: int) -> dict[Any, list[Any]]:
            self.polled.append(set(partitions))
            self.at[full] = 1
            return {full: [type("Record", (), {"value": b"v"})]}

    consumer = Consumer()
    assert [v async for v in _values(consumer, [empty, full], NOW)] == [b"v"]  # type: ignore[arg-type]
    assert consumer.polled == [{full}]


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

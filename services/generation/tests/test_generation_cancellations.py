"""Cancelled requests in memory, and the follower that reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from septet_contracts import Cancellation, encode
from septet_generation.adapters import kafka
from septet_generation.adapters.kafka import CancellationFollower
from septet_generation.application.cancellations import Cancellations, RequestCancelled
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants

TENANTS = Tenants(frozenset({"default", "acme", "globex"}), frozenset({"acme"}))
NOWHERE = KafkaConnection("127.0.0.1:9")


async def test_a_cancellation_stops_every_draft_of_its_request() -> None:
    cancellations = Cancellations()
    ended: list[str] = []

    async def work(name: str, tenant: str, request_id: str) -> None:
        try:
            async with cancellations.watch(tenant, request_id):
                await asyncio.Event().wait()
        except RequestCancelled as stopped:
            ended.append(f"{name} {stopped.during_call}")

    calls = [("a", "acme", "r-1"), ("b", "acme", "r-1"), ("c", "globex", "r-1"), ("d", "acme", "r-2")]
    tasks = [asyncio.ensure_future(work(*call)) for call in calls]
    await asyncio.sleep(0)
    cancellations.cancel("acme", "r-1")
    cancellations.cancel("acme", "r-1")
    await asyncio.wait(tasks, timeout=0.05)
    assert sorted(ended) == ["a True", "b True"]
    assert [task.done() for task in tasks] == [True, True, False, False]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert cancellations._running == {}


async def test_a_draft_of_a_cancelled_request_does_not_begin() -> None:
    cancellations = Cancellations()
    cancellations.cancel("acme", "r-1")
    with pytest.raises(RequestCancelled) as raised:
        async with cancellations.watch("acme", "r-1"):
            raise AssertionError("the block runs")
    assert not raised.value.during_call
    async with cancellations.watch("globex", "r-1"):
        pass


async def test_other_errors_and_cancellations_of_the_task_pass() -> None:
    cancellations = Cancellations()
    with pytest.raises(TimeoutError, match="of the model"):
        async with cancellations.watch("acme", "r-1"):
            raise TimeoutError("of the model")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), cancellations.watch("acme", "r-1"):
            await asyncio.Event().wait()
    assert not cancellations.is_cancelled("acme", "r-1")


def test_the_memory_is_bounded_in_size_and_time() -> None:
    now = 0.0
    cancellations = Cancellations(limit=3, keep=timedelta(seconds=60), clock=lambda: now)
    for number in range(5):
        cancellations.cancel("acme", f"r-{number}")
    assert [cancellations.is_cancelled("acme", f"r-{n}") for n in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    now = 50.0
    cancellations.cancel("acme", "r-2")
    now = 61.0
    assert [cancellations.is_cancelled("acme", f"r-{n}") for n in (2, 3, 4)] == [True, False, False]


def record(topic: str, value: bytes) -> Any:
    return SimpleNamespace(topic=topic, value=value)


def test_the_topic_of_a_record_decides_about_its_tenant() -> None:
    """As in eval: a payload that names another tenant than its topic is refused."""
    seen: list[tuple[str, str]] = []
    follower = CancellationFollower(NOWHERE, TENANTS, lambda *key: seen.append(key))
    shared, own = "septet.cancellations.v1", "septet.cancellations.v1.acme"
    for topic, value in (
        (shared, encode(Cancellation(request_id="r-1"))),
        (shared, encode(Cancellation(request_id="r-2", tenant="acme"))),
        (own, b'{"request_id": "r-3"}'),
        (own, encode(Cancellation(request_id="r-4", tenant="globex"))),
        (own, b"no json"),
        (own, b'{"tenant": "acme"}'),
    ):
        follower.receive(record(topic, value))
    assert seen == [("default", "r-1"), ("acme", "r-3")]


async def test_the_follower_survives_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []
    starts: list[list[str]] = []

    @asynccontextmanager
    async def following(_: Any, topics: list[str], receive: Any) -> AsyncIterator[Any]:
        starts.append(topics)
        if len(starts) == 1:
            raise KafkaError("no broker")

        async def read() -> None:
            if len(starts) == 2:
                raise KafkaError("the broker has gone")
            receive(record(topics[0], encode(Cancellation(request_id="r-1"))))
            await asyncio.Event().wait()

        yield read

    monkeypatch.setattr(kafka, "following", following)
    follower = CancellationFollower(
        NOWHERE, TENANTS, lambda *key: seen.append(key), retry=timedelta(milliseconds=1)
    )
    task = asyncio.ensure_future(follower.run())
    async with asyncio.timeout(5):
        while not seen:  # noqa: ASYNC110 - the task has no event
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert starts == [["septet.cancellations.v1", "septet.cancellations.v1.acme"]] * 3
    assert seen == [("default", "r-1")]

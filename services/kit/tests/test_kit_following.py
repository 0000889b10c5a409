"""Topics that a process follows without a group."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from septet_kit.errors import Transient
from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.following import following

NOWHERE = KafkaConnection("127.0.0.1:9")


class Consumer:
    """aiokafka's consumer on one partition for each topic that exists."""

    def __init__(self, topics: list[str], batches: list[list[Any]]) -> None:
        self._partitions = {TopicPartition(name, 0) for name in topics}
        self._batches = batches
        self.calls: list[str] = []
        self._client = SimpleNamespace(close=self._close)

    def subscribe(self, topics: list[str]) -> None:
        self.calls.append(f"subscribe {' '.join(topics)}")

    def assignment(self) -> set[TopicPartition]:
        return self._partitions

    async def start(self) -> None:
        self.calls.append("start")

    async def seek_to_end(self) -> None:
        self.calls.append("end")

    async def position(self, partition: TopicPartition) -> int:
        self.calls.append(f"position {partition.topic}")
        return 7

    async def getmany(self, timeout_ms: int) -> dict[Any, list[Any]]:
        self.calls.append("read")
        if not self._batches:
            await asyncio.Event().wait()
        return {"p": self._batches.pop(0)}

    async def stop(self) -> None:
        self.calls.append("stop")

    async def _close(self) -> None:
        self.calls.append("close")


def use(monkeypatch: pytest.MonkeyPatch, consumer: Any) -> None:
    monkeypatch.setattr("septet_kit.messaging.reader.tolerant_consumer", lambda **_: consumer)


async def test_a_follower_reads_from_the_end_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its positions are known before it reports that it follows, so it misses no later record."""
    value = SimpleNamespace(value=b"v")
    undecodable = UndecodableRecord.at(TopicPartition("t", 0), 1, "truncated")
    consumer = Consumer(["t"], [[SimpleNamespace(value=None), undecodable, value]])
    use(monkeypatch, consumer)
    seen: list[Any] = []
    async with following(NOWHERE, ["t"], seen.append) as run:
        assert consumer.calls == ["start", "subscribe t", "end", "position t"]
        task = asyncio.ensure_future(run())
        async with asyncio.timeout(5):
            while not seen:  # noqa: ASYNC110 - the task has no event
                await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert seen == [value]
    assert consumer.calls[-2:] == ["stop", "close"]


async def test_a_topic_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer(["t"], [])
    use(monkeypatch, consumer)
    monkeypatch.setattr("septet_kit.messaging.following._ASSIGNED_S", 0.01)
    with pytest.raises(Transient, match="no topic u") as raised:
        async with following(NOWHERE, ["t", "u"], print):
            pass
    assert raised.value.code == "topic_missing"
    assert consumer.calls[-2:] == ["stop", "close"]

"""Closing the log on Kafka while a producer or a consumer connects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from septet_client import Closed, Connection
from septet_client.adapters import kafka
from septet_client.adapters.kafka import KafkaLog


class Connecting:
    """A tail or a producer that takes a while to start. Its sender has ended at once."""

    made: list[Connecting]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.is_open = False
        self.failure: str | None = None
        self._sender = self
        self.sender_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sender_task.set_result(None)
        self.made.append(self)

    async def start(self) -> None:
        self.is_open = True
        await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self.is_open = False

    close = stop


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Connecting]:
    """What the log has made."""
    monkeypatch.setattr(kafka, "Tail", Connecting)
    monkeypatch.setattr(kafka, "AIOKafkaProducer", Connecting)
    monkeypatch.setattr(Connecting, "made", [], raising=False)
    return Connecting.made


CALLS: dict[str, Callable[[KafkaLog], Awaitable[Any]]] = {
    "follow": lambda log: log.follow(["t"], lambda _: None),
    "publish": lambda log: log.publish("t", b"", b""),
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_connects_while_the_log_closes_is_stopped(made: list[Connecting], name: str) -> None:
    log = KafkaLog(Connection())
    await log.start()
    call = asyncio.ensure_future(CALLS[name](log))
    await asyncio.sleep(0.01)
    assert len(made) == 2
    await log.close()
    with pytest.raises(Closed):
        await call
    assert not any(client.is_open for client in made)


async def test_a_log_that_is_closed_while_it_starts_stops_its_producer(made: list[Connecting]) -> None:
    log = KafkaLog(Connection())
    starting = asyncio.ensure_future(log.start())
    await asyncio.sleep(0.01)
    await log.close()
    with pytest.raises(Closed):
        await starting
    assert not made[0].is_open
    await log.start()
    assert made[1].is_open
    await log.close()

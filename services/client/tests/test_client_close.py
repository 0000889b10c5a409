"""Closing the client: each call in progress ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from septet_client import Closed, PublishedDocument, Septet
from septet_client.calls import Calls
from septet_client.ports import Position, Record

from .support import MemoryLog

DOCUMENT = PublishedDocument("d", Position("septet.documents.v1", 0, 0, datetime.now(UTC)))


class BlockedLog(MemoryLog):
    """A log on which publications of some topics, and searches if wanted, do not end."""

    blocked: frozenset[str] = frozenset()
    ended: int = 0

    async def publish(self, topic: str, key: bytes, value: bytes) -> Position:
        if topic in self.blocked:
            await self._block()
        return await super().publish(topic, key, value)

    async def search(
        self, topic: str, key: bytes | None, since: datetime | None
    ) -> AsyncGenerator[Record, None]:
        if "search" in self.blocked:
            await self._block()
        async for record in super().search(topic, key, since):
            yield record

    async def _block(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            assert self.closed == 0
            self.ended += 1


async def streamed(septet: Septet) -> str:
    return "".join([part async for part in septet.stream("x")])


CALLS: dict[str, tuple[Callable[[Septet], Any], str]] = {
    "ask": (lambda s: s.ask("x"), ""),
    "ask with an id": (lambda s: s.ask("x", request_id="r"), ""),
    "ask that searches": (lambda s: s.ask("x", request_id="r"), "search"),
    "ask that publishes": (lambda s: s.ask("x"), "septet.requests.v1"),
    "stream": (streamed, ""),
    "response": (lambda s: s.response("r"), "search"),
    "feedback": (lambda s: s.feedback("r", thumbs="up"), "septet.feedback.v1"),
    "upsert": (lambda s: s.documents.upsert("d", "x"), "septet.documents.v1"),
    "delete": (lambda s: s.documents.delete("d"), "septet.documents.v1"),
    "wait": (lambda s: s.documents.wait(DOCUMENT), ""),
    "wait that searches": (lambda s: s.documents.wait(DOCUMENT), "search"),
}


@pytest.mark.parametrize("name", CALLS)
async def test_closing_ends_each_call_before_the_log_closes(name: str) -> None:
    call, blocked = CALLS[name]
    log = BlockedLog(service=lambda *_: None)
    log.blocked = frozenset({blocked} - {""})
    async with asyncio.timeout(5):
        async with Septet(log=log) as septet:
            calls = [asyncio.ensure_future(call(septet)) for _ in range(2)]
            await asyncio.sleep(0.02)
            assert not any(call.done() for call in calls)
        for task in calls:
            with pytest.raises(Closed):
                await task
    assert (log.closed, log.ended) == (1, 2 if blocked else 0)
    assert not septet._waiting
    assert not septet.documents._watches


async def test_closing_ends_the_calls_that_wait_for_a_place() -> None:
    log = MemoryLog(service=lambda *_: None)
    async with asyncio.timeout(5):
        async with Septet(log=log, max_waiting=1) as septet:
            calls = [asyncio.ensure_future(septet.ask("x")) for _ in range(3)]
            await asyncio.sleep(0.02)
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in ended] == [Closed] * 3
    assert len(log.published) == 1


@pytest.mark.parametrize("name", CALLS)
async def test_a_client_that_is_not_open_refuses_each_call(name: str) -> None:
    log = MemoryLog(service=lambda *_: None)
    septet = Septet(log=log)
    with pytest.raises(Closed):
        await CALLS[name][0](septet)
    async with septet:
        pass
    with pytest.raises(Closed):
        await CALLS[name][0](septet)
    assert log.published == []


async def test_a_client_that_was_closed_can_be_opened_again() -> None:
    log = MemoryLog(service=lambda *_: None)
    septet = Septet(log=log)
    for _ in range(2):
        async with septet:
            waiting = asyncio.ensure_future(septet.documents.wait(DOCUMENT))
            await asyncio.sleep(0.02)
        with pytest.raises(Closed):
            await waiting
    assert [len(topics) for topics, _ in log.listeners] == [1, 2, 1, 2]


async def test_a_cancelled_call_and_one_that_times_out_are_not_closed() -> None:
    calls = Calls()
    calls.open()

    async def call(seconds: float) -> None:
        async with calls.running(), asyncio.timeout(seconds):
            await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await call(0)
    task = asyncio.ensure_future(call(3600))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(calls.close(), calls.close())

"""Documents: publishing, and waiting until they are indexed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_client import InvalidInput, NotIndexed, NotPermitted, Septet
from septet_client.documents import CHANGED, REJECTED
from septet_client.ports import Position
from septet_contracts import UpsertDocument, encode

from .support import MemoryLog, changed

SOON = timedelta(milliseconds=50)


def indexing(log: MemoryLog, event: Any, value: bytes, position: Position) -> None:
    """Retrieval: indexes documents at once, and rejects `bad`."""
    key = f"{event.tenant}:{event.document_id}".encode()
    if event.document_id == "lost":
        return
    if event.document_id == "bad":
        log.append(REJECTED, value, key, **dead(position))
        return
    log.append(CHANGED, encode(changed(event, position.time)), key)


def dead(position: Position) -> dict[str, bytes]:
    """Headers of a dead letter."""
    return {
        "septet-dead-topic": position.topic.encode(),
        "septet-dead-partition": str(position.partition).encode(),
        "septet-dead-offset": str(position.offset).encode(),
        "septet-dead-code": b"unknown_tenant",
        "septet-dead-reason": b"no such tenant",
    }


@pytest.fixture
def log() -> MemoryLog:
    """A log with retrieval."""
    return MemoryLog(indexing)


async def test_a_document_is_published_with_what_was_given(septet: Septet, log: MemoryLog) -> None:
    await septet.documents.upsert("휴가.md", "31일", title="휴가", media_type="text/markdown", revision=3)
    topic, key, event = log.published[0]
    assert (topic, key) == ("septet.documents.v1", "default:휴가.md".encode())
    assert isinstance(event, UpsertDocument)
    assert (event.text, event.title, event.media_type, event.revision) == ("31일", "휴가", "text/markdown", 3)
    with pytest.raises(InvalidInput):
        await septet.documents.upsert("", "x")


async def test_waiting_finds_earlier_and_later_changes(septet: Septet, log: MemoryLog) -> None:
    first = await septet.documents.upsert("a", "x")
    assert [c.change for c in await septet.documents.wait(first)] == ["created"]
    many = [await septet.documents.upsert(f"d{n}", "x") for n in range(3)]
    gone = await septet.documents.delete("a")
    changes = await septet.documents.wait(*many, gone)
    assert [c.document_id for c in changes] == ["d0", "d1", "d2", "a"]
    assert changes[-1].change == "deleted"
    assert not septet.documents._watches


async def test_the_change_of_an_earlier_text_does_not_count(septet: Septet, log: MemoryLog) -> None:
    old = await septet.documents.upsert("a", "x")
    log.service = lambda log, event, value, position: log.append(
        CHANGED, encode(changed(event, old.position.time)), b"default:a"
    )
    new = await septet.documents.upsert("a", "y")
    with pytest.raises(NotIndexed) as caught:
        await septet.documents.wait(new, within=SOON)
    assert caught.value.missing == ("a",)


async def test_rejected_and_missing_documents_are_named(septet: Septet, log: MemoryLog) -> None:
    log.append(
        REJECTED, b"{}", b"default:bad", **dead(Position("septet.documents.v1", 0, 99, datetime.now(UTC)))
    )
    log.append(REJECTED, b"\xff", b"\xff")
    published = [await septet.documents.upsert(name, "x") for name in ("good", "bad", "lost")]
    with pytest.raises(NotIndexed, match="bad: unknown_tenant: no such tenant") as caught:
        await septet.documents.wait(*published, within=SOON)
    assert (caught.value.missing, set(caught.value.rejected)) == (("lost",), {"bad"})


async def test_waiting_needs_the_changes_but_not_the_rejections(log: MemoryLog) -> None:
    log.denied = frozenset({REJECTED})
    async with Septet(log=log) as septet:
        published = await septet.documents.upsert("a", "x")
        assert len(await septet.documents.wait(published)) == 1
        log.denied = frozenset({CHANGED})
    async with Septet(log=log) as septet:
        with pytest.raises(NotPermitted):
            await septet.documents.wait(await septet.documents.upsert("a", "y"))


@pytest.mark.parametrize("waits", ["before", "after"])
@pytest.mark.parametrize("rejects", ["first", "last", "unseen"])
async def test_a_rejection_is_reported_although_a_later_text_is_indexed(
    septet: Septet, log: MemoryLog, waits: str, rejects: str
) -> None:
    """Rejections and changes are two topics, which the consumer reads in any order."""
    log.service = lambda *_: None
    first, second = [await septet.documents.upsert("d", text) for text in ("x", "y")]
    second = replace(second, position=replace(second.position, time=first.position.time + SOON))

    async def outcomes() -> None:
        steps = [
            lambda: log.append(REJECTED, b"x", b"default:d", **dead(first.position)),
            lambda: log.append(
                CHANGED, encode(changed(log.published[1][2], second.position.time)), b"default:d"
            ),
        ]
        for step in steps if rejects == "first" else reversed(steps):
            step()
            await asyncio.sleep(0)
        if rejects == "unseen":
            log.records[REJECTED][0] = (second.position.time, log.records[REJECTED][0][1])

    if waits == "after":
        await outcomes()
    waiting = asyncio.ensure_future(septet.documents.wait(first, second, within=timedelta(seconds=5)))
    if waits == "before":
        await asyncio.sleep(0.01)
        if rejects == "unseen":
            log.listeners[-1] = ([CHANGED], log.listeners[-1][1])
        await outcomes()
    with pytest.raises(NotIndexed, match="d: unknown_tenant: no such tenant") as caught:
        await waiting
    assert (caught.value.missing, set(caught.value.rejected)) == ((), {"d"})


async def test_each_text_of_a_document_gets_its_own_change(septet: Septet, log: MemoryLog) -> None:
    published = []
    for text in ("x", "y"):
        published.append(await septet.documents.upsert("d", text))
        await asyncio.sleep(0.002)
    changes = await septet.documents.wait(*published)
    assert [change.occurred_at for change in changes] == [one.position.time for one in published]

"""Any bytes on a client topic: each record that a broker takes ends in a dead letter, a typed failure or an answer.

The service is a process that is put together as in production, with a handler that only hands requests on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import psutil
import pytest
from aiokafka.structs import ConsumerRecord
from septet_native.stack.addresses import Addresses

from ..support.hostile import ACCEPTED, REJECTED, End, Form
from ..support.raw_producer import Written, raw_producer
from ..support.record_batch import CODECS, HEADER_BYTES, Batch, RawRecord, bomb
from ..support.relay import FATAL
from ..support.relay_process import AT_ONCE_S, PARTITION, REQUESTS, Relay, about, facts, relaying_process

# What a process may grow by, whatever its clients send.
GROWTH_MIB = 400
QUARANTINED_S = 90.0
MIB = 1024 * 1024


def holds_bytes(letter: ConsumerRecord, batch: bytes, mark: str) -> bool:
    """Whether a dead letter holds its record, or the whole batch where that could not be read, or says that it does not."""
    kept = b" ".join([letter.key or b"", letter.value or b"", *(v or b"" for _, v in letter.headers)])
    return mark.encode() in kept or batch[HEADER_BYTES:] in kept or "omitted" in facts(letter)


@pytest.fixture(scope="module")
async def relay(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    """The service, started again whenever it ends."""
    async with relaying_process(addresses, tmp_path_factory.mktemp("relay") / "relay.log") as made:
        yield made


@pytest.mark.parametrize("form", REJECTED, ids=lambda f: f.name)
async def test_a_broker_rejects(form: Form, addresses: Addresses) -> None:
    """Should one of them be taken by a later broker, it belongs to the accepted ones."""
    async with raw_producer(addresses.connection("admin")) as raw:
        assert (await raw.send(REQUESTS, PARTITION, form.build("mark", {}))).error == form.rejected


@pytest.mark.parametrize("form", ACCEPTED, ids=lambda f: f.name)
async def test_a_hostile_record_has_its_end_and_the_next_is_handled(form: Form, relay: Relay) -> None:
    mark, restarts = f"{form.name}-{uuid4().hex[:8]}", relay.member.restarts
    batch = form.build(mark, {})
    sent = await relay.send(batch)
    assert sent.accepted, sent
    await relay.goes_on()
    if form.end is End.HANDLED:
        assert await relay.handled(mark)
    else:
        letter = await relay.letter(sent)
        assert letter is not None
        assert facts(letter)["code"]
        assert facts(letter)["service"] == "guardrails"
        assert holds_bytes(letter, batch, mark)
    if form.end is End.TYPED:
        outcome = await relay.tail.first("outcomes", about(mark), AT_ONCE_S)
        assert outcome is not None
        assert json.loads(outcome.value)["error"]["code"]
    assert relay.member.restarts == restarts


async def test_a_broken_record_does_not_hide_its_neighbours(relay: Relay) -> None:
    """Three requests in one compressed batch; the name of a header of the second is no text."""
    marks = [f"neighbour-{uuid4().hex[:8]}" for _ in range(3)]
    broken = [(b"\xff", b"")]
    records = [
        RawRecord(
            json.dumps({"request_id": m, "question": "What is a deque?"}).encode(),
            m.encode(),
            broken if n == 1 else [],
        )
        for n, m in enumerate(marks)
    ]
    sent = await relay.send(Batch(records, CODECS["zstd"]).encode())
    assert await relay.handled(marks[0])
    assert await relay.handled(marks[2])
    letter = await relay.letter(Written(sent.offset + 1))
    assert letter is not None
    assert marks[1].encode() in letter.value
    assert not relay.seen(marks[1])


async def test_what_expands_to_gigabytes_does_not_fill_memory(relay: Relay) -> None:
    """Twelve requests of 34 KiB, each a gigabyte; all of them are on the log before the first is read."""
    process, restarts = psutil.Process(relay.member.pid), relay.member.restarts
    before = process.memory_info().rss
    batch = bomb("zstd", b"bomb", 16 * MIB, records=64).encode()
    assert len(batch) < MIB // 16
    sent = [await relay.send(batch) for _ in range(12)]
    growth = await growth_while(process, before, asyncio.ensure_future(relay.goes_on(60)))
    assert all([await relay.letter(w) for w in sent])
    assert relay.member.restarts == restarts
    assert growth < GROWTH_MIB * MIB, f"grew by {growth / MIB:.0f} MiB"


async def growth_while(process: psutil.Process, before: int, task: asyncio.Future[None]) -> int:
    """The most memory that a process has had above ``before`` until a task was done."""
    most = 0
    while not task.done():
        await asyncio.wait([task], timeout=0.02)
        most = max(most, process.memory_info().rss - before)
    await task
    return most


async def test_a_record_that_ends_its_process_is_quarantined(relay: Relay) -> None:
    """The count of deaths survives each of them; other partitions, and the record behind it, are handled after all."""
    begin, restarts = time.monotonic(), relay.member.restarts
    body = {"request_id": f"fatal-{uuid4().hex[:8]}", "question": FATAL}
    sent = await relay.send(Batch([RawRecord(json.dumps(body).encode(), b"fatal")]).encode())
    await relay.goes_on(QUARANTINED_S)
    letter = await relay.letter(sent, QUARANTINED_S)
    assert letter is not None
    assert json.loads(letter.value) == body
    deaths = relay.member.restarts - restarts
    assert 2 <= deaths <= 10, f"{deaths} deaths, {time.monotonic() - begin:.0f} s"
    outcome = await relay.tail.first("outcomes", about(body["request_id"]), AT_ONCE_S)
    assert outcome is not None
    await relay.member.reborn(relay.member.argv)
    await relay.member.ready()
    await relay.goes_on()
    assert relay.member.restarts == restarts + deaths + 1

"""The relaying service as a process, and a client that writes bytes to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka.structs import ConsumerRecord
from septet_contracts import topic
from septet_native.stack.addresses import Addresses

from ..chaos.fleet import Member, relaying
from .raw_producer import RawProducer, Written, raw_producer
from .record_batch import Batch, RawRecord
from .tail import Tail, tail

REQUESTS, DEAD = topic("requests").name, "septet.guardrails.dead.v1"
PARTITION, OTHER = 1, 2
AT_ONCE_S = 10.0
"""A record behind a hostile one is handled at once; the bound leaves room for a busy machine."""


@dataclass
class Relay:
    """The service, what it publishes, and a client that writes bytes to it."""

    member: Member
    tail: Tail
    raw: RawProducer

    async def send(self, batch: bytes, partition: int = PARTITION) -> Written:
        """Write a batch to a partition of the requests."""
        return await self.raw.send(REQUESTS, partition, batch)

    async def request(self, partition: int = PARTITION, **fields: Any) -> str:
        """Write a valid request; returns its id."""
        mark = f"next-{uuid4().hex[:8]}"
        body = {"request_id": mark, "question": "What is a deque?", **fields}
        sent = await self.send(
            Batch([RawRecord(json.dumps(body).encode(), mark.encode())]).encode(), partition
        )
        assert sent.accepted
        return mark

    async def handled(self, mark: str, within_s: float = AT_ONCE_S) -> bool:
        """Whether a request is handed on in time."""
        return await self.tail.first("screened", about(mark), within_s) is not None

    def seen(self, mark: str) -> bool:
        """Whether a request has been handed on."""
        return bool(self.tail.found("screened", about(mark)))

    async def letter(self, at: Written, within_s: float = AT_ONCE_S) -> ConsumerRecord | None:
        """The dead letter of the record at an offset."""
        return await self.tail.first(DEAD, comes_from(PARTITION, at.offset), within_s)

    async def goes_on(self, within_s: float = AT_ONCE_S) -> None:
        """The next records, of the same partition and of another one, are handled in time."""
        marks = [await self.request(PARTITION), await self.request(OTHER)]
        late = [m for m in marks if not await self.handled(m, within_s)]
        assert not late, f"not handled within {within_s} s; restarts: {self.member.restarts}"


def about(mark: str) -> Callable[[ConsumerRecord], bool]:
    """Whether a record is about a request."""
    return lambda r: json.loads(r.value).get("request_id") == mark


def comes_from(partition: int, offset: int) -> Callable[[ConsumerRecord], bool]:
    """Whether a dead letter is that of a place on the requests topic."""
    place = {"topic": REQUESTS, "partition": str(partition), "offset": str(offset)}
    return lambda r: place.items() <= facts(r).items()


def facts(letter: ConsumerRecord) -> dict[str, str]:
    """What a dead letter says of its record."""
    prefix = "septet-dead-"
    return {k.removeprefix(prefix): v.decode() for k, v in letter.headers if k.startswith(prefix)}


@asynccontextmanager
async def relaying_process(addresses: Addresses, log: Path) -> AsyncIterator[Relay]:
    """The service while inside, started again whenever it ends."""
    kafka = addresses.connection("admin")
    member = Member("guardrails", 0, addresses.environment("guardrails"), log, relaying())
    async with tail(kafka, "screened", "outcomes", DEAD) as followed, raw_producer(kafka) as raw:
        await member.start()
        try:
            await member.ready()
            yield Relay(member, followed, raw)
        finally:
            await member.retire()

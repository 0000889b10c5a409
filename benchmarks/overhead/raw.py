"""The limit: a chain of raw aiokafka clients with Septet's hops, record sizes and durability, and no work.

Five processes, as Septet has on the way of a request: the one in the place of guardrails serves two hops with one
consumer and one producer, as guardrails does. Six processes would wake up, poll and commit more than Septet's do, and
make the limit easier to reach.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

from septet_contracts import Topic
from septet_contracts import topic as find_topic
from septet_kit.messaging.admin import ensure_topics

from benchmarks.overhead.children import children
from benchmarks.overhead.contender import NUMBER_BYTES, PATH, Failed, Load, Place
from benchmarks.overhead.exchange import Exchange, exchanging

# Who reads which topic of the path, by its place there.
READERS = {"guardrails": (0, 4), "cache": (1,), "retrieval": (2,), "generation": (3,), "eval": (5,)}


class RawChain:
    """Contender ``raw``."""

    name = "raw"
    kind: Literal["bus", "full"] = "bus"
    note = (
        "Passes bytes on: no contracts, no tracing, no ledger, no outbox; a redelivered record is sent twice."
    )

    def missing(self) -> str:
        """Nothing is needed that Septet does not need."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[_Running]:
        """Topics of its own on the stack's broker, one process per reader of the path."""
        run = uuid4().hex[:8]
        topics = [_topic(f"bench.{run}.{name}", name, place.load.partitions) for name in PATH]
        names = [topic.name for topic in topics]
        kafka = place.addresses.connection("admin")
        await ensure_topics(kafka, topics=topics)
        commands = {
            role: _command(f"raw-{role}-{run}", reads, names, place.load) for role, reads in READERS.items()
        }
        logs = place.logs / self.name
        logs.mkdir(parents=True, exist_ok=True)
        async with (
            children(commands, place.addresses.environment(), logs) as pids,
            exchanging(kafka, names[0], names[-1]) as exchange,
        ):
            yield _Running(exchange, pids, place.load)


class _Running:
    def __init__(self, exchange: Exchange, pids: Mapping[str, int], load: Load) -> None:
        self._exchange, self._pids, self._load = exchange, pids, load

    async def send(self, number: int) -> None:
        """A record down the chain.

        Raises:
            Failed: it was lost or became another.
        """
        key, mark = f"default:{number}".encode(), b"%0*d" % (NUMBER_BYTES, number)
        value = mark.ljust(self._load.record_bytes[0] - len(key), b"x")
        if not (await self._exchange.request(key, value)).startswith(mark):
            raise Failed(f"record {number} came out as another one")

    def pids(self) -> Mapping[str, int]:
        """The hops by the service in whose place they stand."""
        return self._pids


def _topic(name: str, like: str, partitions: int) -> Topic:
    """As Septet's topic of that short name is kept."""
    return Topic(name, "", None, f"As {like}, for a chain without work.", partitions=partitions,
                 retention=find_topic(like).retention, raw=True)  # fmt: skip


def _command(name: str, reads: tuple[int, ...], names: list[str], load: Load) -> list[str]:
    routes = [(names[at], names[at + 1], load.record_bytes[at + 1]) for at in reads]
    return ["-m", "benchmarks.overhead.relay", "--name", name, "--routes", json.dumps(routes)]

"""The limit: a chain of raw aiokafka clients with Septet's hops, record sizes and durability, without work.

It has five processes, like Septet on the path of a request. The process for guardrails serves two hops with one consumer
and one producer, like guardrails. A sixth process would poll and commit more than Septet and make the limit slower.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

from septet_kit.messaging.admin import ensure_topics

from benchmarks.overhead.chain import RunningChain, chain_topic
from benchmarks.overhead.children import children
from benchmarks.overhead.contender import PATH, Load, Place
from benchmarks.overhead.exchange import exchanging

# Hops of each process, as indexes into PATH.
READERS = {"guardrails": (0, 4), "cache": (1,), "retrieval": (2,), "generation": (3,), "eval": (5,)}


class RawChain:
    """Contender ``raw``."""

    name = "raw"
    kind: Literal["bus", "full"] = "bus"
    note = (
        "Forwards bytes: no contracts, no tracing, no ledger, no outbox; a redelivered record is sent twice."
    )

    def missing(self) -> str:
        """Needs no further packages."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningChain]:
        """Create topics on the broker of the stack and start one process per reader."""
        run = uuid4().hex[:8]
        topics = [chain_topic(f"bench.{run}.{name}", name, place.load.partitions) for name in PATH]
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
            yield RunningChain(exchange, pids, place.load)


def _command(name: str, reads: tuple[int, ...], names: list[str], load: Load) -> list[str]:
    routes = [(names[at], names[at + 1], load.record_bytes[at + 1]) for at in reads]
    return ["-m", "benchmarks.overhead.relay", "--name", name, "--routes", json.dumps(routes)]

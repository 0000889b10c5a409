"""Contender ``faststream``: a chain of FastStream applications with default settings and no work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

from septet_contracts import Topic
from septet_kit.messaging.admin import ensure_topics

from benchmarks.overhead.chain import RunningChain, chain_topic
from benchmarks.overhead.children import children
from benchmarks.overhead.contender import HOPS, PATH, Place
from benchmarks.overhead.exchange import exchanging
from benchmarks.peers import environment


class FastStreamChain:
    """Contender ``faststream``: one process for each hop."""

    name = "faststream"
    kind: Literal["bus", "full"] = "bus"
    note = (
        "Default settings (ACK_FIRST, acks=1), six processes. A killed process loses its messages, and a broker crash "
        "loses messages that were not replicated. No contracts, no tracing, no work."
    )

    def missing(self) -> str:
        """The command that creates ``.venv-bench``; empty if it exists."""
        return "" if environment.installed() else environment.COMMAND

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningChain]:
        """Create topics on the broker of the stack and start one process per hop."""
        run, load = uuid4().hex[:8], place.load
        topics = [chain_topic(f"bench.faststream.{run}.{name}", name, load.partitions) for name in PATH]
        kafka = place.addresses.connection("admin")
        await ensure_topics(kafka, topics=topics)
        commands = {
            f"hop-{at}": _command(
                topics[at], topics[at + 1], load.record_bytes[at + 1], f"faststream-{run}-{at}"
            )
            for at in range(HOPS)
        }
        logs = place.logs / self.name
        logs.mkdir(parents=True, exist_ok=True)
        env = place.addresses.environment()
        async with (
            children(commands, env, logs, str(environment.PYTHON)) as pids,
            exchanging(kafka, topics[0].name, topics[-1].name) as exchange,
        ):
            yield RunningChain(exchange, pids, load)


def _command(source: Topic, target: Topic, size: int, group: str) -> list[str]:
    ends = ["--from", source.name, "--to", target.name, "--bytes", str(size), "--group", group]
    return ["-m", "benchmarks.peers.faststream_hop", *ends]

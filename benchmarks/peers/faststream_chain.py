"""The contender that is a chain of FastStream applications with default settings and no work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

from septet_contracts import Topic
from septet_contracts import topic as find_topic
from septet_kit.messaging.admin import ensure_topics

from benchmarks.overhead.children import children
from benchmarks.overhead.contender import HOPS, NUMBER_BYTES, PATH, Failed, Load, Place
from benchmarks.overhead.exchange import Exchange, exchanging
from benchmarks.peers import environment


class FastStreamChain:
    """Contender ``faststream``: one process for each hop."""

    name = "faststream"
    kind: Literal["bus", "full"] = "bus"
    note = (
        "Default settings (ACK_FIRST, acks=1), six processes: it loses the messages that it holds when it is killed, and "
        "those that a broker's crash takes along; no contracts, no tracing, no work."
    )

    def missing(self) -> str:
        """The command that makes ``.venv-bench``, unless it is there."""
        return "" if environment.installed() else environment.COMMAND

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningChain]:
        """Topics of its own on the stack's broker, a process between each two."""
        run, load = uuid4().hex[:8], place.load
        topics = [_topic(f"bench.faststream.{run}.{name}", name, load.partitions) for name in PATH]
        kafka = place.addresses.connection("admin")
        await ensure_topics(kafka, topics=topics)
        commands = {
            f"hop-{at}": _command(topics[at], topics[at + 1], load.record_bytes[at + 1], f"faststream-{run}-{at}")
            for at in range(HOPS)
        }  # fmt: skip
        logs = place.logs / self.name
        logs.mkdir(parents=True, exist_ok=True)
        env = place.addresses.environment()
        async with (
            children(commands, env, logs, str(environment.PYTHON)) as pids,
            exchanging(kafka, topics[0].name, topics[-1].name) as exchange,
        ):
            yield RunningChain(exchange, pids, load)


class RunningChain:
    """A started chain and a client of it."""

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
        """The hops by their place in the chain."""
        return self._pids


def _topic(name: str, like: str, partitions: int) -> Topic:
    """As Septet's topic of that short name is kept."""
    retention = find_topic(like).retention
    return Topic(name, "", None, f"As {like}, for a chain without work.", partitions=partitions, retention=retention,
                 raw=True)  # fmt: skip


def _command(source: Topic, target: Topic, size: int, group: str) -> list[str]:
    ends = ["--from", source.name, "--to", target.name, "--bytes", str(size), "--group", group]
    return ["-m", "benchmarks.peers.faststream_hop", *ends]

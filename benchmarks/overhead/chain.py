"""Topics and client of the chains without work."""

from __future__ import annotations

from collections.abc import Mapping

from septet_contracts import Topic
from septet_contracts import topic as find_topic

from benchmarks.overhead.contender import NUMBER_BYTES, Failed, Load
from benchmarks.overhead.exchange import Exchange


class RunningChain:
    """A running chain with its client and its processes by role."""

    def __init__(self, exchange: Exchange, pids: Mapping[str, int], load: Load) -> None:
        self._exchange, self._pids, self._load = exchange, pids, load

    async def send(self, number: int) -> None:
        """Send a record through the chain.

        Raises:
            Failed: the record was lost or changed.
        """
        key, mark = f"default:{number}".encode(), b"%0*d" % (NUMBER_BYTES, number)
        value = mark.ljust(self._load.record_bytes[0] - len(key), b"x")
        if not (await self._exchange.request(key, value)).startswith(mark):
            raise Failed(f"record {number} came out with another content")

    def pids(self) -> Mapping[str, int]:
        """The processes by role."""
        return self._pids


def chain_topic(name: str, like: str, partitions: int) -> Topic:
    """A topic with the settings of Septet's topic *like*."""
    return Topic(
        name,
        "",
        None,
        f"Like {like}, for a chain without work.",
        partitions=partitions,
        retention=find_topic(like).retention,
        raw=True,
    )

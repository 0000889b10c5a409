"""What the chains without work share: their topics, and a client that counts what comes out."""

from __future__ import annotations

from collections.abc import Mapping

from septet_contracts import Topic
from septet_contracts import topic as find_topic

from benchmarks.overhead.contender import NUMBER_BYTES, Failed, Load
from benchmarks.overhead.exchange import Exchange


class RunningChain:
    """A started chain, its processes by role, and a client of it."""

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
        """The processes by role."""
        return self._pids


def chain_topic(name: str, like: str, partitions: int) -> Topic:
    """As Septet's topic of that short name is kept."""
    return Topic(
        name,
        "",
        None,
        f"As {like}, for a chain without work.",
        partitions=partitions,
        retention=find_topic(like).retention,
        raw=True,
    )

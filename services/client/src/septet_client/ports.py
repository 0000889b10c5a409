"""The log, as the client sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class Record:
    """A record that was read."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Position:
    """Where a published record is on the log, and its time there."""

    topic: str
    partition: int
    offset: int
    time: datetime


Listener: TypeAlias = Callable[[Record], None]


class Log(Protocol):
    """Publishes records, follows topics from the end, and searches them backwards."""

    @property
    def failure(self) -> str | None:
        """Why nothing can be read at the moment; ``None`` if nothing is known to be wrong."""
        ...

    async def start(self) -> None:
        """Connect.

        Raises:
            Unreachable: Kafka does not answer, or refuses the credentials.
        """
        ...

    async def publish(self, topic: str, key: bytes, value: bytes) -> Position:
        """Publish a record, and wait for the acknowledgement of all replicas.

        Raises:
            Unreachable: it was not acknowledged, and may be on the log nevertheless.
            NotPermitted: the principal may not write the topic.
            InvalidInput: the record is larger than the topic takes.
        """
        ...

    async def follow(self, topics: Sequence[str], listener: Listener) -> None:
        """Call ``listener`` with each record that is appended to topics, until the log is closed.

        The positions are known on return: no later record is missed.

        Raises:
            Unreachable: Kafka does not answer, or has no such topic.
            NotPermitted: the principal may not read a topic.
        """
        ...

    def search(self, topic: str, key: bytes | None, since: datetime | None) -> AsyncGenerator[Record, None]:
        """The records since a time (or all), the newest ones of each partition first.

        The partition that belongs to ``key`` is read first.

        Raises:
            Unreachable, NotPermitted: as :meth:`follow`.
        """
        ...

    async def close(self) -> None:
        """Disconnect, in bounded time."""
        ...

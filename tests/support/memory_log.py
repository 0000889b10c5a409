"""A log in memory, and a service on it that answers every request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from septet_client.errors import NotPermitted, Unreachable
from septet_client.ports import Listener, Position, Record
from septet_contracts import Request, Response, decode, encode, split

from tests.support import responses


def respond(request: Request, **fields: Any) -> Response:
    """The response to a request, which repeats the question."""
    return responses.respond(request, **({"answer": f"echo: {request.query}"} | fields))


@dataclass
class MemoryLog:
    """Topics in memory. ``service`` is called with each published event, its value and its position."""

    service: Callable[[MemoryLog, Any, bytes, Position], None] = lambda log, event, value, position: (
        log.answer(event)
    )
    denied: frozenset[str] = frozenset()
    down: bool = False
    failure: str | None = None
    published: list[tuple[str, bytes, Any]] = field(default_factory=list)
    records: dict[str, list[tuple[datetime, Record]]] = field(default_factory=dict)
    searches: list[tuple[str, bytes | None, datetime | None]] = field(default_factory=list)
    listeners: list[tuple[Sequence[str], Listener]] = field(default_factory=list)
    closed: int = 0

    def answer(self, event: Any, **fields: Any) -> None:
        """Respond to a request."""
        if isinstance(event, Request):
            self.append("septet.responses.v2", encode(respond(event, **fields)))

    def append(self, topic: str, value: bytes, key: bytes = b"", **headers: bytes) -> Position:
        """Append a record, and hand it to those who follow the topic."""
        record = Record(topic, key, value, {name.replace("_", "-"): v for name, v in headers.items()})
        kept = self.records.setdefault(topic, [])
        now = datetime.now(UTC)
        kept.append((now, record))
        for topics, listener in self.listeners:
            if topic in topics:
                asyncio.get_running_loop().call_soon(listener, record)
        return Position(topic, 0, len(kept) - 1, now)

    async def start(self) -> None:
        if self.down:
            raise Unreachable("no broker")

    async def publish(self, topic: str, key: bytes, value: bytes) -> Position:
        await asyncio.sleep(0)
        if self.down:
            raise Unreachable("no broker")
        event = decode(split(topic)[0], value)
        self.published.append((topic, key, event))
        position = self.append(topic, value, key)
        self.service(self, event, value, position)
        return position

    async def follow(self, topics: Sequence[str], listener: Listener) -> None:
        if refused := self.denied.intersection(topics):
            raise NotPermitted(min(refused))
        self.listeners.append((topics, listener))

    async def search(
        self, topic: str, key: bytes | None, since: datetime | None
    ) -> AsyncGenerator[Record, None]:
        self.searches.append((topic, key, since))
        for at, record in reversed(self.records.get(topic, [])):
            if since is None or at >= since:
                await asyncio.sleep(0)
                yield record

    async def close(self) -> None:
        self.closed += 1

"""Checked text of streamed answers that arrives before their responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from septet_contracts import ReleasedTokens, Request, encode, request_digest


class Partial:
    """The text of one call so far, joined from the records of its newest epoch.

    Args:
        request: of the call. Records of another body under its id are ignored.

    Attributes:
        text: of the newest epoch.
        epoch: the newest one.
        received: bytes of the text of all epochs.
        owner: tenant and id of the request.
    """

    def __init__(self, request: Request) -> None:
        self.text = ""
        self.epoch = 0
        self.received = 0
        self.owner = request.tenant, request.request_id
        self._digest = request_digest(encode(request))
        self._arrived = asyncio.Event()

    def receive(self, event: ReleasedTokens) -> None:
        """Add a record. One that repeats known text, or that follows a missing one, adds nothing."""
        if event.request_digest != self._digest or event.epoch < self.epoch:
            return
        if event.epoch > self.epoch:
            self.epoch, self.text = event.epoch, ""
        if event.start <= len(self.text) < event.start + len(event.text):
            new = event.text[len(self.text) - event.start :]
            self.text += new
            self.received += len(new.encode())
            self._arrived.set()

    async def arrival(self) -> None:
        """Wait for text that came after the last call."""
        await self._arrived.wait()
        self._arrived.clear()


class Partials:
    """The calls that stream, by tenant and request id. Several calls may stream the same request."""

    def __init__(self) -> None:
        self._calls: defaultdict[tuple[str, str], list[Partial]] = defaultdict(list)

    @contextmanager
    def follow(self, partial: Partial | None) -> Iterator[None]:
        """Give a call its records during a block; ``None`` stands for a call that does not stream."""
        if partial is None:
            yield
            return
        self._calls[partial.owner].append(partial)
        try:
            yield
        finally:
            self._calls[partial.owner].remove(partial)
            if not self._calls[partial.owner]:
                del self._calls[partial.owner]

    def is_expected(self, tenant: str, request_id: str) -> bool:
        """Whether a call streams this request."""
        return (tenant, request_id) in self._calls

    def deliver(self, event: ReleasedTokens) -> None:
        """Give a record to the calls that stream its request."""
        for partial in self._calls.get((event.tenant, event.request_id), ()):
            partial.receive(event)

"""Partial text on its way to ``septet.tokens.v1``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from septet_contracts import Flow, TokenChunk, event_id
from septet_kit import Emit

from septet_generation.domain.chunks import Chunker

Send = Callable[[Emit], None]


class TokenStream:
    """Sends one try's text in order, numbered from 0 without gaps, and a last chunk that says ``done``.

    ``send`` does not wait: chunks may be lost, and the draft does not depend on them.
    """

    def __init__(self, source: Flow, epoch: int, send: Send, chunker: Chunker) -> None:
        self._source = source
        self._epoch = epoch
        self._send = send
        self._chunker = chunker
        self._sequence = 0

    def add(self, text: str) -> None:
        """Take a delta in, and send what is due."""
        chunk = self._chunker.add(text, time.monotonic())
        if chunk:
            self._emit(chunk, done=False)

    def finish(self) -> None:
        """Send what is left; the try's text is complete."""
        self._emit(self._chunker.rest(), done=True)

    def _emit(self, text: str, *, done: bool) -> None:
        source = self._source
        item = f"{self._epoch}/{self._sequence}"
        chunk = TokenChunk(
            request_id=source.request_id, tenant=source.tenant, conversation_id=source.conversation_id,
            event_id=event_id(source.tenant, source.request_id, TokenChunk.STEP, item),
            occurred_at=datetime.now(UTC), deadline=source.deadline, causation_id=source.event_id,
            epoch=self._epoch, sequence=self._sequence, text=text, done=done,
        )  # fmt: skip
        self._sequence += 1
        self._send(Emit("tokens", chunk))

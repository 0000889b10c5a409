"""Publishes partial text to ``septet.tokens.v1``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from septet_contracts import Flow, TokenChunk, event_id
from septet_kit import Emit

from septet_generation.domain.chunks import Chunker

Send = Callable[[Emit], None]


class TokenStream:
    """Sends the text of one attempt in chunks, numbered from 0; the last one has ``done`` set.

    ``send`` does not wait for the broker. Chunks may be lost; the draft does not depend on them.
    """

    def __init__(self, source: Flow, epoch: int, send: Send, chunker: Chunker) -> None:
        self._source = source
        self._epoch = epoch
        self._send = send
        self._chunker = chunker
        self._sequence = 0

    def add(self, text: str) -> None:
        """Add text and send a chunk if one is due."""
        chunk = self._chunker.add(text, time.monotonic())
        if chunk:
            self._emit(chunk, done=False)

    def finish(self) -> None:
        """Send the rest as the last chunk."""
        self._emit(self._chunker.flush(), done=True)

    def _emit(self, text: str, *, done: bool) -> None:
        source = self._source
        item = f"{self._epoch}/{self._sequence}"
        chunk = TokenChunk(
            request_id=source.request_id,
            tenant=source.tenant,
            conversation_id=source.conversation_id,
            event_id=event_id(source.tenant, source.request_id, TokenChunk.STEP, item),
            occurred_at=datetime.now(UTC),
            deadline=source.deadline,
            causation_id=source.event_id,
            epoch=self._epoch,
            sequence=self._sequence,
            text=text,
            done=done,
        )
        self._sequence += 1
        self._send(Emit("tokens", chunk))

"""Publishes the sentences of a draft to ``septet.tokens.v1`` while the model writes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from septet_contracts import MAX_BODY_BYTES, Draft, TokenChunk, event_id
from septet_kit import Emit
from septet_kit.text import settled_end

from septet_generation.domain.answer import has_open_tag, without_tags

Send = Callable[[Emit], None]

MAX_CHUNKS = 40
"""Most chunks of one draft. Guardrails checks the text once for each of them."""
_LONG = 1_000
"""Characters of an unfinished sentence from which on its end is searched for once an interval, not with every token."""


class TokenStream:
    """Sends the draft so far at the end of a sentence, numbered from 0.

    The end of a draft is not sent: the draft itself follows at once. ``send`` does not wait for the broker. Chunks may be
    lost; neither the draft nor the response depends on them.

    Args:
        draft: without its answer.
        epoch: number of the attempt to stream.
        send: publishes a chunk.
        interval: least seconds between two chunks.
        clock: in seconds.
    """

    def __init__(
        self,
        draft: Draft,
        epoch: int,
        send: Send,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = epoch
        self._draft = draft
        self._send = send
        self._interval = interval
        self._clock = clock
        self._due = clock()
        self._text = ""
        self._end = 0
        self._answer = ""
        self._cuts: list[int] = []
        self._stopped = False

    @property
    def chunks(self) -> int:
        """Number of chunks that were sent."""
        return len(self._cuts)

    def add(self, text: str) -> None:
        """Add text of the model, and send a chunk if a further sentence is complete and one is due."""
        self._text += text
        if self._stopped or self._clock() < self._due:
            return
        end = settled_end(self._text, self._end)
        if end == self._end or has_open_tag(self._text[:end]):
            if len(self._text) - self._end > _LONG:
                self._wait()
            return
        self._end = end
        answer = without_tags(self._text[:end])
        if not answer.startswith(self._answer) or self.chunks == MAX_CHUNKS:
            self._stopped = True
        elif len(answer) > len(self._answer):
            self._emit(answer)

    def _emit(self, answer: str) -> None:
        emit = Emit("tokens", self._chunk(answer))
        if len(emit.value) > MAX_BODY_BYTES:
            self._stopped = True
            return
        self._answer = answer
        self._cuts.append(len(answer))
        self._wait()
        self._send(emit)

    def _wait(self) -> None:
        self._due = self._clock() + self._interval

    def _chunk(self, answer: str) -> TokenChunk:
        source = self._draft
        item = f"{self.epoch}/{self.chunks}"
        return TokenChunk(
            request_id=source.request_id,
            tenant=source.tenant,
            conversation_id=source.conversation_id,
            event_id=event_id(source.tenant, source.request_id, TokenChunk.STEP, item),
            occurred_at=datetime.now(UTC),
            deadline=source.deadline,
            causation_id=source.causation_id,
            epoch=self.epoch,
            sequence=self.chunks,
            text=answer[len(self._answer) :],
            draft=source.model_copy(update={"answer": answer}),
            cuts=tuple(self._cuts),
        )

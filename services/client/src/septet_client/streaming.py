"""Checked text of an answer that is released before the response.

Each record of ``septet.released-tokens.v1`` has ``epoch``, ``sequence`` and ``text``. Sequences count from 0 without gaps
within an epoch. A higher epoch replaces the text of lower ones: only a client that supports it gets one.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from septet_contracts import TOPICS, Response

from septet_client.errors import StreamWithdrawn

RELEASED_TOKENS: str | None = next((t.name for t in TOPICS.values() if t.short == "released-tokens"), None)
"""The topic of checked text, if the installed contracts have it."""


class _Chunk(BaseModel):
    model_config = ConfigDict(extra="ignore")

    epoch: int = 1
    sequence: int
    text: str


class ReleasedText:
    """Joins the chunks of the first epoch in order of their sequence. Redelivered chunks are ignored."""

    def __init__(self) -> None:
        self.taken = ""
        self._epoch: int | None = None
        self._chunks: dict[int, str] = {}
        self._next = 0

    def add(self, value: bytes) -> None:
        """Add a record. One that is not valid is ignored: the response completes the text."""
        try:
            chunk = _Chunk.model_validate_json(value)
        except ValidationError:
            return
        if self._epoch is None:
            self._epoch = chunk.epoch
        if chunk.epoch == self._epoch and chunk.sequence >= self._next:
            self._chunks.setdefault(chunk.sequence, chunk.text)

    def take(self) -> str:
        """The text that follows what was taken, up to the first missing chunk."""
        parts: list[str] = []
        while (part := self._chunks.pop(self._next, None)) is not None:
            parts.append(part)
            self._next += 1
        text = "".join(parts)
        self.taken += text
        return text


def remainder(taken: str, response: Response) -> str:
    """The rest of the response's answer behind the text that was streamed.

    Raises:
        StreamWithdrawn: the answer does not begin with that text.
    """
    answer = response.answer or ""
    if not answer.startswith(taken):
        raise StreamWithdrawn(response)
    return answer[len(taken) :]

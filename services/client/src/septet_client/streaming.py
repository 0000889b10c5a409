"""Checked text of an answer that is released before the response.

Each record of ``septet.released-tokens.v1`` has ``request_digest``, ``epoch``, ``start`` and ``text``. ``start`` is the offset
of the text in the answer, in Unicode code points. Records may repeat text, and may be missing: the response completes the
answer. A higher epoch is a new draft, which replaces the text of lower ones.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from septet_contracts import TOPICS, Response

from septet_client.errors import StreamWithdrawn

RELEASED_TOKENS: str | None = next((t.name for t in TOPICS.values() if t.short == "released-tokens"), None)
"""The topic of checked text, if the installed contracts have it."""


class _Chunk(BaseModel):
    model_config = ConfigDict(extra="ignore")

    request_digest: str
    epoch: int
    start: int
    text: str


class ReleasedText:
    """Joins the records of one request. Text that was taken stays: a new draft continues it, or adds nothing.

    Args:
        digest: digest of the request's body. Text for another body under the same id is ignored.
    """

    def __init__(self, digest: str) -> None:
        self.taken = ""
        self._digest = digest
        self._epoch = 0
        self._text = ""

    def add(self, value: bytes) -> None:
        """Add a record. One that is not valid, or that follows a missing one, adds nothing."""
        try:
            chunk = _Chunk.model_validate_json(value)
        except ValidationError:
            return
        if chunk.request_digest != self._digest or chunk.epoch < self._epoch:
            return
        if chunk.epoch > self._epoch:
            self._epoch, self._text = chunk.epoch, ""
        if chunk.start <= len(self._text):
            self._text += chunk.text[len(self._text) - chunk.start :]

    def take(self) -> str:
        """The text that follows what was taken."""
        if not self._text.startswith(self.taken):
            return ""
        part = self._text[len(self.taken) :]
        self.taken = self._text
        return part


def remainder(taken: str, response: Response) -> str:
    """The rest of the response's answer behind the text that was streamed.

    Raises:
        StreamWithdrawn: the answer does not begin with that text.
    """
    answer = response.answer or ""
    if not answer.startswith(taken):
        raise StreamWithdrawn(response)
    return answer[len(taken) :]

"""Partial text on the terminal while an answer is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.text import Text

from septet_cli.client import OnToken
from septet_cli.console import err


class TokenText:
    """Text of the newest epoch, put together in order of sequence numbers."""

    def __init__(self) -> None:
        self._epoch = 0
        self._chunks: dict[int, str] = {}

    def add(self, chunk: dict[str, Any]) -> str:
        """Take a chunk in; returns the text so far, without what comes after a gap."""
        if chunk["epoch"] > self._epoch:
            # A higher epoch is a new draft: it replaces what was shown.
            self._epoch, self._chunks = chunk["epoch"], {}
        if chunk["epoch"] == self._epoch:
            self._chunks[chunk["sequence"]] = chunk["text"]
        return self.text

    @property
    def text(self) -> str:
        """The text so far."""
        parts: list[str] = []
        while (part := self._chunks.get(len(parts))) is not None:
            parts.append(part)
        return "".join(parts)


@contextmanager
def show_tokens() -> Iterator[OnToken]:
    """A transient live area on stderr that shows partial text, until the response replaces it."""
    text = TokenText()
    with Live(Text("…", style="dim"), console=err, transient=True, refresh_per_second=12) as live:
        yield lambda chunk: live.update(Text(text.add(chunk) or "…", style="dim"))

"""Shows the partial text of an answer on the terminal while the model generates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.text import Text

from septet_cli.client import OnToken
from septet_cli.console import err


class TokenText:
    """Chunks of the newest draft (epoch), joined in order of their sequence numbers."""

    def __init__(self) -> None:
        self._epoch = 0
        self._chunks: dict[int, str] = {}

    def add(self, chunk: dict[str, Any]) -> str:
        """Add a chunk and return the text up to the first missing chunk."""
        if chunk["epoch"] > self._epoch:
            # A higher epoch is a new draft, which replaces the shown text.
            self._epoch, self._chunks = chunk["epoch"], {}
        if chunk["epoch"] == self._epoch:
            self._chunks[chunk["sequence"]] = chunk["text"]
        return self.text

    @property
    def text(self) -> str:
        """The text up to the first missing chunk."""
        parts: list[str] = []
        while (part := self._chunks.get(len(parts))) is not None:
            parts.append(part)
        return "".join(parts)


@contextmanager
def show_tokens() -> Iterator[OnToken]:
    """Show partial text in a live area on stderr, removed on exit."""
    text = TokenText()
    with Live(Text("…", style="dim"), console=err, transient=True, refresh_per_second=12) as live:
        yield lambda chunk: live.update(Text(text.add(chunk) or "…", style="dim"))

"""Shows the checked sentences of an answer on the terminal while the model generates the next ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.text import Text

from septet_cli.client import OnToken
from septet_cli.console import err


class TokenText:
    """Text of the newest draft (epoch), joined from its records."""

    def __init__(self) -> None:
        self._epoch = 0
        self.text = ""

    def add(self, record: dict[str, Any]) -> str:
        """Add a record and return the text. A record after a missing one adds nothing."""
        if record["epoch"] > self._epoch:
            # A higher epoch is a new draft, which replaces the shown text.
            self._epoch, self.text = record["epoch"], ""
        start, known = record["start"], len(self.text)
        if record["epoch"] == self._epoch and start <= known:
            self.text += record["text"][known - start :]
        return self.text


@contextmanager
def show_tokens() -> Iterator[OnToken]:
    """Show checked sentences in a live area on stderr, removed on exit."""
    text = TokenText()
    with Live(Text("…", style="dim"), console=err, transient=True, refresh_per_second=12) as live:
        yield lambda record: live.update(Text(text.add(record) or "…", style="dim"))

"""The part of an answer that a client has received before the response."""

from __future__ import annotations

from collections.abc import Sequence


def until(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop sequence."""
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


class Shown:
    """Text that was sent, which cannot be taken back.

    Args:
        stops: stop sequences; nothing from the first one on is sent.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self.text = ""
        self._stops = stops
        self._held = max(map(len, stops), default=1) - 1

    def more(self, text: str) -> str:
        """What to send of the answer so far. Nothing is sent of a text that does not continue the one that was sent.

        The end is held back while it may be the beginning of a stop sequence.
        """
        # A longer stop sequence may begin before one that is complete.
        known = until(text, self._stops)[: max(0, len(text) - self._held)]
        if not known.startswith(self.text):
            return ""
        new = known[len(self.text) :]
        self.text = known
        return new

    def contradicts(self, text: str) -> bool:
        """Whether the answer so far is neither a continuation nor a beginning of the text that was sent."""
        known = until(text, self._stops)
        return not known.startswith(self.text) and not self.text.startswith(known)

    def restart(self) -> None:
        """Note that the client discards the text that was sent."""
        self.text = ""

    def rest(self, content: str) -> str | None:
        """What is left to send of the final answer; ``None`` if it does not begin with what was sent."""
        return content[len(self.text) :] if content.startswith(self.text) else None

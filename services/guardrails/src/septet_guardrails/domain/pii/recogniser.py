"""A recogniser of one kind of personal data, and the span that it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import regex  # type: ignore[import-untyped]
from septet_kit.text import sentence_spans

_CONTEXT_REACH = 48
AFTER_REACH = _CONTEXT_REACH // 2
"""Characters after a match among which a context word may stand."""
_LONGEST = 200
NOT_AFTER_STOP = r"(?:(?<!\.)|(?<=[가-힣]\.))"
"""Pattern of a place that is not behind a full stop. A Korean sentence may end without white space after it."""


@dataclass(frozen=True)
class Span:
    """A piece of personal data: entity name, character offsets, confidence of 0 to 1."""

    entity: str
    start: int
    end: int
    score: float

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


def accept_any(_: str) -> bool:
    """Accept every match: the check of a pattern without a checksum."""
    return True


@dataclass(frozen=True)
class Recogniser:
    """A pattern, a check and optional context words.

    The span is group 1 of the pattern, or the whole match if there is no group.

    Attributes:
        digits: least number of ASCII digits in a text with a match.
        marks: lower-case strings; a text with a match contains at least one of them. Empty for no condition.
    """

    entity: str
    pattern: re.Pattern[str]
    score: float
    check: Callable[[str], bool] = accept_any
    context: re.Pattern[str] | None = None
    digits: int = 0
    marks: tuple[str, ...] = ()

    def can_match(self, lowered: str, digits: int) -> bool:
        """Whether a text with this lower-case form and number of digits can have a match."""
        if digits < self.digits:
            return False
        if not self.marks:
            return True
        # A loop, because a generator costs more than the search.
        for mark in self.marks:  # noqa: SIM110
            if mark in lowered:
                return True
        return False

    def find(self, text: str) -> Iterable[Span]:
        """Find spans that match, pass the check and, if ``context`` is set, have a context word near."""
        for match in self.pattern.finditer(text):
            group = 1 if match.re.groups and match.group(1) is not None else 0
            start, end = match.span(group)
            near = text[max(0, start - _CONTEXT_REACH) : end + AFTER_REACH]
            if self.check(match.group(group)) and (self.context is None or self.context.search(near)):
                yield Span(self.entity, start, end, self.score)

    def may_need_context(self, text: str) -> Iterable[int]:
        """Find starts of matches so near to the end of ``text`` that a context word may follow."""
        since = len(text) - AFTER_REACH
        matches = self.pattern.finditer(text, max(0, since - _LONGEST))
        return (match.start() for match in matches if match.end() > since)

    def may_go_on(self, longer: str) -> int:
        """Return the start of the first match that reaches the end of a text, or that may go on there; else its length.

        Args:
            longer: one of :func:`continuations`.
        """
        first = max(0, len(longer) - _LONGEST)
        found = self._to_the_end.search(longer, first, partial=True)
        return found.start() if found else len(longer)

    @cached_property
    def _to_the_end(self) -> Any:
        # The flags of the two modules have the same names and different values.
        flags = [regex.IGNORECASE] * bool(self.pattern.flags & re.IGNORECASE)
        flags += [regex.ASCII] * bool(self.pattern.flags & re.ASCII)
        return regex.compile(rf"(?:{self.pattern.pattern})\Z", sum(flags, start=regex.VERSION0))


def continuations(text: str) -> list[str]:
    """Return ``text``, which ends with a sentence, up to the first character after it."""
    tail = text[-_LONGEST:]
    ends_without_space = any(span.end == len(tail) for span in sentence_spans(f"{tail}A", lines=True))
    return [text + character for character in (" ", "\n", *[""] * ends_without_space)]

"""Rail against personal data in answers that comes neither from the passages nor from the question."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from septet_guardrails.domain.pii import Masker, Span
from septet_guardrails.domain.pii.masking import normal_form
from septet_guardrails.domain.policy import PiiRule
from septet_guardrails.domain.rails.base import Answer, Finding
from septet_guardrails.domain.rails.personal import NameFinder, find_all
from septet_guardrails.domain.rails.structure import parse


class LeakRail:
    """Masks or blocks personal data that is in none of the request's texts."""

    name = "pii"

    def __init__(self, names: NameFinder) -> None:
        self._names = names

    def check(self, subject: Answer, rule: PiiRule) -> Finding:
        given = _given(subject)
        masker = Masker((subject.text, *given))
        known = cache(lambda: normal_form("\n".join(given)))

        def leaks(text: str) -> list[Span]:
            found = find_all(text, rule, self._names)
            return [span for span in found if normal_form(text[span.start : span.end]) not in known()]

        def mask(text: str) -> str:
            return masker.mask(text, leaks(text))

        structured = subject.draft.ask.output_schema is not None
        masked = _mask_json(subject.text, mask, leaks) if structured else mask(subject.text)
        if masked is None:
            return Finding("block", 1.0, "personal data in a number of the JSON answer")
        if not masker.counts:
            return Finding("pass", 0.0)
        reason = "not from the passages: " + ", ".join(f"{n} {e}" for e, n in sorted(masker.counts.items()))
        return Finding(rule.action, 1.0, reason, text=masked if rule.action == "mask" else None)


def _given(subject: Answer) -> list[str]:
    draft = subject.draft
    messages = [message.content for message in draft.ask.messages or ()]
    return [
        draft.ask.query,
        *messages,
        *(f"{p.title}\n{p.location}\n{p.uri}\n{p.text}" for p in draft.passages),
    ]


def _mask_json(text: str, mask: Callable[[str], str], leaks: Callable[[str], list[Span]]) -> str | None:
    """Mask strings only, so that the result is valid JSON; None if a number contains personal data."""
    unsafe = False

    def visit(value: Any) -> Any:
        nonlocal unsafe
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, dict):
            return {mask(key): visit(item) for key, item in value.items()}
        if isinstance(value, list):
            return [visit(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            unsafe = unsafe or bool(leaks(str(value)))
        return value

    parsed = parse(text)
    if not isinstance(parsed, dict | list | str | int | float | bool | None):
        return mask(text)
    masked = visit(parsed)
    if unsafe:
        return None
    return text if masked == parsed else json.dumps(masked, ensure_ascii=False)

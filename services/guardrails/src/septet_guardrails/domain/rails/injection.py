"""Prompt injection: rules for known techniques, a trained head for what they miss."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from septet_guardrails.domain.injection_rules import match_rules
from septet_guardrails.domain.linear import LinearHead
from septet_guardrails.domain.policy import InjectionRule
from septet_guardrails.domain.rails.base import Finding, Question, refuse_unread

_WINDOW = 800
# A window of a long text is one of many chances to be wrong, so it has to be surer than a short text.
_WINDOW_BAR = 0.95
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,4096}={0,2}")


class InjectionRail:
    """The score is the greatest of the matched rules' weights and the head's probability."""

    name = "injection"

    def __init__(self, head: LinearHead) -> None:
        self._head = head

    def check(self, subject: Question, rule: InjectionRule) -> Finding:
        if unread := refuse_unread(subject, rule):
            return unread
        score, reason = max((self.judge(text) for text in subject.user_texts), key=lambda found: found[0])
        if score < rule.threshold:
            return Finding("pass", round(score, 3))
        return Finding("flag" if rule.action == "flag" else "block", round(score, 3), reason)

    def judge(self, text: str) -> tuple[float, str]:
        """Probability that ``text`` is an attack, and the technique that gave it."""
        return max((self._judge_plain(piece) for piece in (text, *decoded(text))), key=lambda found: found[0])

    def _judge_plain(self, text: str) -> tuple[float, str]:
        rules = match_rules(text)
        score, reason = self._head.probability(text[:_WINDOW]), "classifier"
        for start in range(_WINDOW // 2, max(len(text) - _WINDOW // 2, 0), _WINDOW // 2):
            windowed = self._head.probability(text[start : start + _WINDOW])
            if windowed >= _WINDOW_BAR and windowed > score:
                score = windowed
        if rules and rules[0].weight >= score:
            return rules[0].weight, f"technique: {', '.join(rule.name for rule in rules[:3])}"
        return score, reason


def decoded(text: str) -> Iterator[str]:
    """Readable text hidden in base64 runs."""
    for match in _ENCODED.finditer(text):
        raw = match.group()
        try:
            plain = base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if plain.isprintable() and " " in plain:
            yield plain

"""Rail against prompt injection: rules for known techniques, and a trained classifier."""

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
# A long text has many windows, each of which may be a false alarm, so a window needs a higher probability.
_WINDOW_THRESHOLD = 0.95
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,4096}={0,2}")


class InjectionRail:
    """Scores a text with the greatest weight of its rules or the classifier's probability, if that is greater."""

    name = "injection"

    def __init__(self, head: LinearHead) -> None:
        self._head = head

    def check(self, subject: Question, rule: InjectionRule) -> Finding:
        if unread := refuse_unread(subject, rule):
            return unread
        score, reason = max((self.score(text) for text in subject.user_texts), key=lambda found: found[0])
        if score < rule.threshold:
            return Finding("pass", round(score, 3))
        return Finding("flag" if rule.action == "flag" else "block", round(score, 3), reason)

    def score(self, text: str) -> tuple[float, str]:
        """Return the probability that ``text`` is an attack, and the technique or classifier that gave it."""
        return max((self._score_plain(piece) for piece in (text, *decoded(text))), key=lambda found: found[0])

    def _score_plain(self, text: str) -> tuple[float, str]:
        rules = match_rules(text)
        score, reason = self._head.probability(text[:_WINDOW]), "classifier"
        for start in range(_WINDOW // 2, max(len(text) - _WINDOW // 2, 0), _WINDOW // 2):
            windowed = self._head.probability(text[start : start + _WINDOW])
            if windowed >= _WINDOW_THRESHOLD and windowed > score:
                score = windowed
        if rules and rules[0].weight >= score:
            return rules[0].weight, f"technique: {', '.join(rule.name for rule in rules[:3])}"
        return score, reason


def decoded(text: str) -> Iterator[str]:
    """Yield readable text that is encoded in base64."""
    for match in _ENCODED.finditer(text):
        raw = match.group()
        try:
            plain = base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if plain.isprintable() and " " in plain:
            yield plain

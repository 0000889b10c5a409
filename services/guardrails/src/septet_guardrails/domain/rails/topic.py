"""Rail against topics that the policy denies."""

from __future__ import annotations

import re

from septet_guardrails.domain.policy import TopicRule
from septet_guardrails.domain.rails.base import PASSED, Finding, Question
from septet_guardrails.domain.text import fold


class TopicRail:
    """Matches denied words and phrases: whole words in ASCII phrases, any position in others."""

    name = "topic"

    def check(self, subject: Question, rule: TopicRule) -> Finding:
        folded = fold(subject.ask.query)
        for phrase in rule.denied:
            if re.search(_pattern(fold(phrase)), folded):
                return Finding("flag" if rule.action == "flag" else "block", 1.0, f"about {phrase!r}")
        return PASSED


def _pattern(phrase: str) -> str:
    escaped = r"\s+".join(re.escape(word) for word in phrase.split())
    return rf"\b{escaped}\b" if phrase.isascii() else escaped

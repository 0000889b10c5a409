"""Rail for the language of the question."""

from __future__ import annotations

from septet_guardrails.domain.policy import LanguageRule
from septet_guardrails.domain.rails.base import Finding, Question


class LanguageRail:
    """Acts on languages outside ``allowed`` if the detector's confidence reaches the threshold."""

    name = "language"

    def check(self, subject: Question, rule: LanguageRule) -> Finding:
        score = round(subject.language_confidence, 3)
        if not rule.allowed or subject.language in rule.allowed or score < rule.threshold:
            return Finding("pass", score, subject.language)
        reason = f"language {subject.language} is not among {', '.join(rule.allowed)}"
        return Finding("flag" if rule.action == "flag" else "block", score, reason)

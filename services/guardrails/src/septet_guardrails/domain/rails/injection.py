"""Rail against prompt injection: a trained model over rules, n-grams and an instruction classifier."""

from __future__ import annotations

from septet_guardrails.domain.injection.model import InjectionModel
from septet_guardrails.domain.operating_points import RateCurve
from septet_guardrails.domain.policy import InjectionRule
from septet_guardrails.domain.rails.base import Finding, Question, finding_at, refuse_unread
from septet_guardrails.domain.score_memory import ScoreMemory


class InjectionRail:
    """Scores the question and the earlier user messages with the probability that one of them is an attack."""

    name = "injection"

    def __init__(self, model: InjectionModel, curve: RateCurve) -> None:
        self._score = ScoreMemory(model.score)
        self._curve = curve

    def check(self, subject: Question, rule: InjectionRule) -> Finding:
        if unread := refuse_unread(subject, rule):
            return unread
        score, reason = self._score(*subject.user_texts)
        return finding_at(rule.points(self._curve), score, reason, rule)

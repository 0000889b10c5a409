"""Abuse, hatred and threats, in questions and in answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from septet_guardrails.domain.policy import ToxicityRule
from septet_guardrails.domain.rails.base import Answer, Finding, Question, refuse_unread
from septet_guardrails.domain.toxicity_rules import match_abuse

Classifier = Callable[[str], float]


class ToxicityRail:
    """The score is the weight of the surest kind of abuse, or the classifier's probability if it is asked."""

    name = "toxicity"

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def judge(self, texts: Sequence[str], rule: ToxicityRule, *, quoted: bool = False) -> Finding:
        """Judge texts together; the worst counts."""
        score, reason = 0.0, ""
        for text in texts:
            for abuse in match_abuse(text, quoted=quoted)[:1]:
                if abuse.weight > score:
                    score, reason = abuse.weight, abuse.name
            if rule.classifier and (found := self._classifier(text)) > score:
                score, reason = found, "profanity"
        if score < rule.threshold:
            return Finding("pass", round(score, 3))
        return Finding("flag" if rule.action == "flag" else "block", round(score, 3), reason)


class QuestionToxicityRail(ToxicityRail):
    """Toxicity of what a person wrote."""

    def check(self, subject: Question, rule: ToxicityRule) -> Finding:
        return refuse_unread(subject, rule) or self.judge(subject.user_texts, rule)


class AnswerToxicityRail(ToxicityRail):
    """Toxicity of what the model wrote; words that quote a passage count too, as they would be shown."""

    def check(self, subject: Answer, rule: ToxicityRule) -> Finding:
        found = self.judge((subject.text,), rule, quoted=True)
        if found.decision != "block":
            return found
        complaint = "Answer without insults, threats or hateful words."
        return Finding("reask", found.score, found.reason, complaint)

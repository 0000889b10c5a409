"""Rails against abuse, hatred and threats in questions and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from septet_guardrails.domain.policy import ToxicityRule
from septet_guardrails.domain.rails.base import Answer, Finding, Question, finding_at, refuse_unread
from septet_guardrails.domain.toxicity_rules import match_abuse

Classifier = Callable[[str], float]


class ToxicityRail:
    """Scores texts with the greatest weight of abuse, or the classifier's probability if that is greater."""

    name = "toxicity"

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def check_texts(self, texts: Sequence[str], rule: ToxicityRule, *, quoted: bool = False) -> Finding:
        """Check texts together; the greatest score counts."""
        score, reason = 0.0, ""
        for text in texts:
            for abuse in match_abuse(text, quoted=quoted)[:1]:
                if abuse.weight > score:
                    score, reason = abuse.weight, abuse.name
            if rule.classifier and (found := self._classifier(text)) > score:
                score, reason = found, "profanity"
        return finding_at(rule.points, score, reason, rule)


class QuestionToxicityRail(ToxicityRail):
    """Checks the user's texts."""

    def check(self, subject: Question, rule: ToxicityRule) -> Finding:
        return refuse_unread(subject, rule) or self.check_texts(subject.user_texts, rule)


class AnswerToxicityRail(ToxicityRail):
    """Checks the answer. Quotations count too, because they would be shown."""

    def check(self, subject: Answer, rule: ToxicityRule) -> Finding:
        found = self.check_texts((subject.text,), rule, quoted=True)
        if found.decision != "block":
            return found
        complaint = "Answer without insults, threats or hateful words."
        return Finding("reask", found.score, found.reason, complaint)

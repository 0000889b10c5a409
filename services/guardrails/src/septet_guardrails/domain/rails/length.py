"""Rail for the length of the question and of the earlier messages."""

from __future__ import annotations

from septet_guardrails.domain.policy import LengthRule
from septet_guardrails.domain.rails.base import PASSED, Finding, Question


class LengthRail:
    """Blocks questions and conversations over the policy's limits; the score is the used share of a limit."""

    name = "length"

    def check(self, subject: Question, rule: LengthRule) -> Finding:
        length = len(subject.ask.query)
        history = sum(len(message.content) for message in subject.ask.history)
        share = round(max(length / rule.max_characters, history / max(rule.max_history, 1)), 3)
        if length > rule.max_characters:
            reason = f"the question has {length} characters, more than {rule.max_characters}"
            return Finding("flag" if rule.action == "flag" else "block", share, reason)
        if history > rule.max_history:
            reason = (
                f"the messages before the question have {history} characters, more than {rule.max_history}"
            )
            return Finding("flag" if rule.action == "flag" else "block", share, reason)
        return Finding(PASSED.decision, share)

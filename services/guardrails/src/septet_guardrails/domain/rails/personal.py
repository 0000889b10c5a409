"""Rail against personal data in questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from septet_contracts import Ask

from septet_guardrails.domain.pii import Masker, Span, find_pii
from septet_guardrails.domain.policy import PiiRule, QuestionPiiRule
from septet_guardrails.domain.rails.base import Finding, Question

NameFinder = Callable[[str], Sequence[Span]]


def find_all(text: str, rule: PiiRule, names: NameFinder) -> list[Span]:
    """Find spans of the rule's entities; ``names`` is called only if the rule enables it."""
    return find_pii(text, frozenset(rule.entities) or None, names(text) if rule.names else ())


class PersonalDataRail:
    """Masks personal data in the question and all messages; equal values get equal placeholders."""

    name = "pii"

    def __init__(self, names: NameFinder) -> None:
        self._names = names

    def check(self, subject: Question, rule: QuestionPiiRule) -> Finding:
        masker = Masker(_texts(subject.ask))
        masked = self._mask(subject.ask, rule, masker)
        if not masker.counts:
            return Finding("pass", 0.0)
        reason = ", ".join(f"{count} {entity}" for entity, count in sorted(masker.counts.items()))
        if rule.action == "mask":
            values = masker.values if rule.restore else {}
            return Finding("mask", 1.0, reason, ask=masked, values=values)
        return Finding(rule.action, 1.0, reason)

    def without_personal_data(self, ask: Ask, rule: PiiRule) -> Ask:
        """Return ``ask`` with its personal data masked."""
        return self._mask(ask, rule, Masker(_texts(ask)))

    def _mask(self, ask: Ask, rule: PiiRule, masker: Masker) -> Ask:
        def apply(text: str) -> str:
            return masker.mask(text, find_all(text, rule, self._names))

        question = apply(ask.question) if ask.question is not None else None
        messages = ask.messages and tuple(
            message.model_copy(update={"content": apply(message.content)}) for message in ask.messages
        )
        return ask.model_copy(update={"question": question, "messages": messages})


def _texts(ask: Ask) -> list[str]:
    return [ask.question or "", *(message.content for message in ask.messages or ())]

"""A question through all input rails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from septet_contracts import Ask, Verdict

from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.policy import PiiRule, Policy
from septet_guardrails.domain.rails import InputRails, Question
from septet_guardrails.domain.rails.personal import PersonalDataRail
from septet_guardrails.domain.schema import check_schema
from septet_guardrails.domain.text import fold

MAX_BLOCKED = 1_000
"""Characters of a blocked question that its outcome repeats."""

_MASKED_ALONG = 200


@dataclass(frozen=True)
class Screening:
    """The question as it may travel on, the verdicts of the rails that ran, and the rail that blocks, if any."""

    ask: Ask
    verdicts: tuple[Verdict, ...]
    language: str
    blocked_by: str | None


def check_usable(ask: Ask) -> None:
    """Refuse what no policy could make sense of.

    Raises:
        Rejected: codes ``empty_question`` and ``invalid_output_schema``.
    """
    if not fold(ask.query).strip():
        field = "question" if ask.question is not None else "messages"
        raise Rejected("empty_question", "the question has no text", field=field, fix="ask something")
    if ask.output_schema is not None:
        check_schema(ask.output_schema)


def screen(
    ask: Ask, policy: Policy, rails: InputRails, detect_language: Callable[[str], tuple[str, float]]
) -> Screening:
    """Run the enabled rails in order until one blocks.

    Each rail gets the question as it was asked; masking applies to what goes on. The rails after a block have no
    verdict.

    Raises:
        Rejected: no policy could make sense of the question.
    """
    check_usable(ask)
    question, verdicts = Question(ask, *detect_language(ask.query)), []
    for name, rail in rails.items():
        rule = getattr(policy.input, name)
        if not rule.enabled:
            continue
        began = time.perf_counter()
        finding = rail.check(question, rule)
        verdicts.append(
            Verdict(
                rail=name, stage="input", decision=finding.decision, score=finding.score, reason=finding.reason,
                latency_ms=round((time.perf_counter() - began) * 1000, 3),
            )
        )  # fmt: skip
        ask = finding.ask or ask
        if finding.decision == "block":
            return Screening(_blocked(ask, policy.input.pii, rails), tuple(verdicts), question.language, name)
    return Screening(ask, tuple(verdicts), question.language, None)


def _blocked(ask: Ask, rule: PiiRule, rails: InputRails) -> Ask:
    """The beginning of a blocked question, masked although the rail for personal data may not have run."""
    shown = ask.model_copy(update={"question": ask.query[: MAX_BLOCKED + _MASKED_ALONG], "messages": None})
    rail = rails.get(PersonalDataRail.name)
    if isinstance(rail, PersonalDataRail) and rule.enabled and rule.action != "flag":
        shown = rail.without_personal_data(shown, rule)
    return shown.model_copy(update={"question": shown.query[:MAX_BLOCKED]})

"""A question through all input rails."""

from __future__ import annotations

import time
from dataclasses import dataclass

from septet_contracts import Ask, Verdict

from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import InputRails, Question
from septet_guardrails.domain.schema import check_schema
from septet_guardrails.domain.text import fold


@dataclass(frozen=True)
class Screening:
    """The wish as it may travel on, every rail's verdict, and the rail that blocks it, if any."""

    ask: Ask
    verdicts: tuple[Verdict, ...]
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


def screen(question: Question, policy: Policy, rails: InputRails) -> Screening:
    """Run every enabled rail; each gets the question as it was asked, and masking applies to what goes on."""
    ask, verdicts, blocked_by = question.ask, [], None
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
            blocked_by = blocked_by or name
    return Screening(ask, tuple(verdicts), blocked_by)

"""Screening: run a question through the input rails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from septet_contracts import Ask, Verdict

from septet_guardrails.application.rail_run import run_rail
from septet_guardrails.domain.containment import without_history
from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.policy import PiiRule, Policy
from septet_guardrails.domain.rails import InputRails, Question
from septet_guardrails.domain.rails.personal import PersonalDataRail
from septet_guardrails.domain.schema import check_schema
from septet_guardrails.domain.text import fold

MAX_BLOCKED = 1_000
"""Characters of a blocked question that its outcome repeats."""

_MASKING_MARGIN = 200
"""Characters after ``MAX_BLOCKED`` that are masked too, so that the cut does not split personal data."""


@dataclass(frozen=True)
class Screening:
    """Result of :func:`screen`.

    Attributes:
        ask: the question to pass on, with personal data masked as the policy says, and without the earlier messages if
            a rail contains it.
        verdicts: one for each rail that ran.
        language: ISO 639-1 code of the detected language.
        blocked_by: name of the rail that blocked the question, if one did.
        reply: the answer, if the question needs neither documents nor a model.
        values: masked values by placeholder, if the answer may repeat them.
    """

    ask: Ask
    verdicts: tuple[Verdict, ...]
    language: str
    blocked_by: str | None = None
    reply: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


def check_usable(ask: Ask) -> None:
    """Reject a question that no policy can process.

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

    Every rail reads the original question; masking and containment change only the question that is passed on. Rails
    after a block do not run and have no verdict.

    Raises:
        Rejected: no policy can process the question.
    """
    check_usable(ask)
    question, verdicts, reply = Question(ask, *detect_language(ask.query)), [], None
    values: Mapping[str, str] = {}
    for name, rail in rails.items():
        rule = getattr(policy.input, name)
        if not rule.enabled:
            continue
        finding, verdict = run_rail(name, rail, question, rule, "input")
        verdicts.append(verdict)
        ask, reply, values = finding.ask or ask, finding.reply or reply, finding.values or values
        if finding.decision == "block":
            return Screening(_blocked(ask, policy.input.pii, rails), tuple(verdicts), question.language, name)
    if any(verdict.decision == "contain" for verdict in verdicts):
        ask = without_history(ask)
    return Screening(ask, tuple(verdicts), question.language, reply=reply, values=values)


def _blocked(ask: Ask, rule: PiiRule, rails: InputRails) -> Ask:
    """Cut a blocked question to ``MAX_BLOCKED`` characters and mask it.

    The block may have skipped the rail that masks personal data, so masking is applied here.
    """
    shown = ask.model_copy(update={"question": ask.query[: MAX_BLOCKED + _MASKING_MARGIN], "messages": None})
    rail = rails.get(PersonalDataRail.name)
    if isinstance(rail, PersonalDataRail) and rule.enabled and rule.action != "flag":
        shown = rail.without_personal_data(shown, rule)
    return shown.model_copy(update={"question": shown.query[:MAX_BLOCKED]})

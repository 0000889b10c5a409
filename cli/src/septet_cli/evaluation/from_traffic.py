"""Makes cases from logged requests."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from septet_cache.domain.normalise import normal_form
from septet_contracts import Ask, Outcome
from septet_experiments.cases import Case, Origin

from septet_cli.errors import CliError
from septet_cli.evaluation.scrub import Scrubber

FILTERS = ("status", "language", "policy", "model", "answer_kind", "tenant")
DEFAULT_STATUSES = frozenset({"answered", "abstained"})
_ASK_FIELDS = {"retrieval", "policy", "model", "output_schema", "generate"}


def options_of(ask: Ask) -> dict[str, Any]:
    """The options of a logged request that a case repeats."""
    return ask.model_dump(mode="json", include=_ASK_FIELDS, exclude_defaults=True)


def filters_of(conditions: Iterable[str]) -> dict[str, frozenset[str]]:
    """The accepted values by field. Values of one field are alternatives; different fields must all match.

    Args:
        conditions: of the form `field=value` or `field=value,value`.

    Raises:
        CliError: a condition is malformed.
    """
    found: dict[str, frozenset[str]] = {}
    for condition in conditions:
        name, equals, values = condition.partition("=")
        if not equals or not values or name not in FILTERS:
            raise CliError(
                f"--where {condition}: no such condition.",
                f"the fields are {', '.join(FILTERS)}: status=answered",
            )
        found[name] = found.get(name, frozenset()) | frozenset(values.split(","))
    return found


def matches(outcome: Outcome, accepted: Mapping[str, frozenset[str]]) -> bool:
    """Whether an outcome has an accepted value in each field of ``accepted``."""
    values = {
        "status": outcome.status,
        "language": outcome.language,
        "policy": outcome.ask.policy,
        "model": outcome.ask.model,
        "answer_kind": outcome.answer_kind,
        "tenant": outcome.tenant,
    }
    return all(values[name] in wanted for name, wanted in accepted.items())


@dataclass
class TrafficCases:
    """Cases of logged requests, one for each different question.

    Requests of evaluation runs, failed ones, small talk and checks of texts are left out. The question is as after the
    input rails, which mask personal data; it is searched for personal data again, because a policy may switch that off.

    Attributes:
        filters: as :func:`filters_of` returns.
        known: questions that already have a case.
        scrubbed: number of cases in which personal data was found.
    """

    filters: Mapping[str, frozenset[str]]
    known: Iterable[str] = ()
    scrubbed: int = 0
    _seen: set[str] = field(default_factory=set)
    _cases: dict[str, Case] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {normal_form(question) for question in self.known}

    def add(self, outcome: Outcome, trace_id: str | None = None) -> None:
        """Add the case of an outcome. The first outcome of a request, and the first request of a question, counts."""
        request = f"{outcome.tenant}:{outcome.request_id}"
        if request in self._seen:
            return
        self._seen.add(request)
        if not _is_usable(outcome) or not matches(outcome, {"status": DEFAULT_STATUSES, **self.filters}):
            return
        form = _form(outcome.ask)
        if form not in self._cases and normal_form(outcome.ask.query) not in self._known:
            self._cases[form] = self._case(outcome, form, trace_id)

    def sample(self, count: int | None, seed: int) -> list[Case]:
        """The cases, or so many of them. The same seed and log give the same cases."""
        cases = sorted(self._cases.values(), key=lambda case: case.id)
        if count is None or count >= len(cases):
            return cases
        return random.Random(seed).sample(cases, count)  # noqa: S311 - a sample, no secret

    def _case(self, outcome: Outcome, form: str, trace_id: str | None) -> Case:
        ask = outcome.ask
        scrub = Scrubber(_texts(ask))
        messages = tuple(m.model_copy(update={"content": scrub(m.content)}) for m in ask.messages or ())
        question = scrub(ask.question) if ask.question is not None else None
        self.scrubbed += scrub.found > 0
        return Case(
            id=f"traffic-{hashlib.sha256(form.encode()).hexdigest()[:12]}",
            question=question,
            messages=messages or None,
            conversation=outcome.conversation_id,
            slices={"language": outcome.language} if outcome.language else {},
            request=options_of(ask),
            origin=Origin(kind="traffic", request_id=outcome.request_id, trace_id=trace_id),
        )


def _is_usable(outcome: Outcome) -> bool:
    # Guardrails itself answers small talk and checks, without a search: their answer is of kind `none`.
    by_guardrails = (
        outcome.status == "answered" and outcome.answer_kind == "none" and outcome.retrieval is None
    )
    return outcome.ask.evaluation is None and not by_guardrails and bool(outcome.ask.query.strip())


def _texts(ask: Ask) -> Sequence[str]:
    return [ask.question or "", *(message.content for message in ask.messages or ())]


def _form(ask: Ask) -> str:
    """What two requests share that ask the same: the question, the conversation before it and the options."""
    history = [[m.role, normal_form(m.content)] for m in ask.history]
    parts = [normal_form(ask.query), history, options_of(ask)]
    return json.dumps(parts, ensure_ascii=False, sort_keys=True)

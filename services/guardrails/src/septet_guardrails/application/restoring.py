"""Restoring: keep masked values through the request, and put them into the answer at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from septet_contracts import Draft, Flow, Verdict
from septet_kit.observe import get_logger
from septet_kit.sealing import Sealer, SealError

from septet_guardrails.application.correction import Conclude
from septet_guardrails.domain.pii.restoring import Restoring
from septet_guardrails.domain.rails.base import MAX_ANSWER
from septet_guardrails.domain.rails.personal import PersonalDataRail
from septet_guardrails.domain.rails.structure import INVALID, parse
from septet_guardrails.domain.schema import TooCostly, problems

MAX_VALUES = 32 * 1024
"""Most characters of masked values that one event carries. Later values keep their placeholders."""

log = get_logger()


@dataclass(frozen=True)
class Restored:
    """Result of :meth:`Restorer.restore`.

    Attributes:
        step: the conclusion, with the masked answer and a verdict about the values.
        sealed_answer: the answer with the user's values; None if it has none.
        result: for the metric.
    """

    step: Conclude
    sealed_answer: str | None
    result: str


@dataclass(frozen=True)
class Restorer:
    """Seals values on their way from the question to the draft, and restored answers on their way to the response.

    Only guardrails has the key of ``values``; eval has that of ``answers``, too. Without keys nothing is restored.
    """

    values: Sealer | None = None
    answers: Sealer | None = None

    def seal(self, event: Flow, values: Mapping[str, str]) -> str | None:
        """Return the sealed values of a question, or None if it has none."""
        sizes = accumulate(map(len, values.values()))
        kept = {n: v for (n, v), size in zip(values.items(), sizes, strict=True) if size <= MAX_VALUES}
        if self.values is None or not kept:
            return None
        return self.values.seal(json.dumps(kept, ensure_ascii=False), *_owner(event))

    def restore(self, draft: Draft, step: Conclude) -> Restored | None:
        """Put the question's values into the answer; None if there are none to restore."""
        if draft.sealed is None or step.status == "refused":
            return None
        if self.values is None or self.answers is None:
            return _unreadable(draft, step, "there is no key")
        try:
            values: dict[str, str] = json.loads(self.values.open(draft.sealed, *_owner(draft)))
        except SealError as error:
            return _unreadable(draft, step, str(error))
        # A passage may hold the same characters, which then stand for something else.
        restoring = Restoring({name: value for name, value in values.items() if not _is_quoted(name, draft)})
        schema = draft.ask.output_schema
        text = restoring.text(step.answer) if schema is None else _json(step.answer, restoring, schema)
        if not restoring.used:
            return None
        if restoring.has_address:
            return _kept(step, "address", "the answer contains a link, markup or an address")
        if text is None:
            return _kept(step, "invalid", "with its values the JSON would break the schema")
        if len(text) > MAX_ANSWER:
            return _kept(step, "too_long", "with its values the answer would be too long")
        count = len(restoring.used)
        sealed = self.answers.seal(text, "answer", draft.tenant, draft.request_id)
        return Restored(_noted(step, f"restored {count} value{'s' * (count > 1)}"), sealed, "restored")


WITHOUT_KEYS = Restorer()


def _owner(event: Flow) -> tuple[str, ...]:
    return "values", event.tenant, event.request_id, event.request_digest


def _is_quoted(placeholder: str, draft: Draft) -> bool:
    # What a prompt shows of a passage.
    shown = (text for p in draft.passages for text in (p.title, p.location, p.text))
    return any(placeholder in text for text in shown)


def _json(answer: str, restoring: Restoring, schema: dict[str, Any]) -> str | None:
    """Return the JSON answer with its values; None if it is not valid under the schema."""
    parsed = parse(answer)
    try:
        value = parsed if parsed is INVALID else restoring.json(parsed)
        if value is INVALID or any(True for _ in problems(schema, value)):
            return None
    except (TooCostly, RecursionError):
        return None
    return json.dumps(value, ensure_ascii=False)


def _unreadable(draft: Draft, step: Conclude, reason: str) -> Restored:
    log.warning("the answer keeps its placeholders", request_id=draft.request_id, reason=reason)
    return _kept(step, "unreadable", "the masked values cannot be read")


def _kept(step: Conclude, result: str, reason: str) -> Restored:
    return Restored(_noted(step, f"kept the placeholders: {reason}"), None, result)


def _noted(step: Conclude, reason: str) -> Conclude:
    """Add the reason to the verdict of the rail for personal data, or add a verdict if that rail did not run."""
    rail, verdicts = PersonalDataRail.name, list(step.verdicts)
    for index, verdict in enumerate(verdicts):
        if (verdict.rail, verdict.stage) == (rail, "output"):
            whole = "; ".join(filter(None, (verdict.reason, reason)))
            verdicts[index] = verdict.model_copy(update={"reason": whole})
            break
    else:
        verdicts.append(Verdict(rail=rail, stage="output", decision="pass", reason=reason))
    return replace(step, verdicts=tuple(verdicts))

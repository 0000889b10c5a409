"""Makes cases from labels: feedback that was joined to an answer."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from datetime import datetime

from septet_client.ports import Log
from septet_contracts import ContractError, Label, Outcome, decode, record_key, topic
from septet_experiments.cases import Case, Origin

from septet_cli.evaluation.case_file import CaseFile
from septet_cli.evaluation.from_traffic import options_of
from septet_cli.evaluation.scrub import Scrubber

KINDS = frozenset({"thumbs", "rating", "flagged_source", "correction"})
"""Explicit feedback that may report a wrong answer."""
OUTCOMES = topic("outcomes")
SEARCHED = 20_000
"""Records that are read to find the outcome of a labelled request."""


class FeedbackCases:
    """Adds a case for each answer with explicit negative feedback.

    A correction gives the case its reference, whether it comes before or after a thumbs-down on the same answer. Feedback
    on answers of evaluation runs has no label, so it gives no case.

    Args:
        file: gets the cases.
        tenant: only labels of this tenant; None for all.
    """

    def __init__(self, file: CaseFile, tenant: str | None = None) -> None:
        self._file = file
        self._tenant = tenant
        self.written = 0
        self.scrubbed = 0

    def accepts(self, label: Label) -> bool:
        """Whether a label gives a case."""
        return (
            self._tenant in (None, label.tenant) and _is_wrong(label) and bool((label.question or "").strip())
        )

    def add(self, label: Label, outcome: Outcome | None = None) -> Case | None:
        """Add the case of a label that is accepted; None if it changes nothing.

        Args:
            label: the label.
            outcome: of the labelled request. It gives the case its earlier messages and the options of the request.
        """
        if not self.accepts(label):
            return None
        case = self._case(label, outcome)
        if not self._file.add(case):
            return None
        self.written += 1
        return case

    def _case(self, label: Label, outcome: Outcome | None) -> Case:
        question, correction = label.question or "", label.corrected_answer
        before = self._file.get(_id_of(label))
        if before is not None and before.origin.feedback_id == label.feedback_id:
            # The label is in the file, whose references the user may have edited since.
            return before
        history = outcome.ask.history if outcome is not None else ()
        scrub = Scrubber([question, correction or "", *(message.content for message in history)])
        question = scrub(question)
        if correction is None:
            references = before.references if before is not None else ()
        else:
            references = (scrub(correction),)
        self.scrubbed += scrub.found > 0
        origin = Origin(
            kind="feedback",
            request_id=label.request_id,
            feedback_id=label.feedback_id
            if correction is not None or before is None
            else before.origin.feedback_id,
            trace_id=label.trace_id,
        )
        if before is not None:
            return before.model_copy(update={"references": references, "origin": origin})
        return Case(
            id=_id_of(label),
            question=question,
            messages=tuple(m.model_copy(update={"content": scrub(m.content)}) for m in history) or None,
            references=references,
            conversation=label.conversation_id,
            slices={"language": outcome.language} if outcome is not None and outcome.language else {},
            request=options_of(outcome.ask) if outcome is not None else {},
            origin=origin,
        )


async def outcome_of(log: Log, label: Label, since: datetime) -> Outcome | None:
    """The outcome of a labelled request; None if it is not among the ``SEARCHED`` newest ones that may be it.

    Raises:
        Unreachable: the log cannot be read.
    """
    key, needle = record_key(label.tenant, label.request_id, label.conversation_id), label.request_id.encode()
    read = 0
    async with aclosing(log.search(OUTCOMES.name, key, since)) as records:
        async for record in records:
            read += 1
            found = _decoded(record.value) if needle in record.value else None
            if found is not None and (found.tenant, found.request_id) == (label.tenant, label.request_id):
                return found
            if read == SEARCHED:
                break
    return None


def _decoded(value: bytes) -> Outcome | None:
    try:
        found: Outcome = decode(OUTCOMES, value)
    except ContractError:
        return None
    return found


def _is_wrong(label: Label) -> bool:
    return label.explicit and label.polarity == "negative" and label.kind in KINDS


def _id_of(label: Label) -> str:
    request = f"{label.tenant}:{label.request_id}"
    return f"feedback-{hashlib.sha256(request.encode()).hexdigest()[:12]}"

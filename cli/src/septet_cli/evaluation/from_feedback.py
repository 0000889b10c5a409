"""Makes cases from labels: feedback that was joined to an answer."""

from __future__ import annotations

import hashlib

from septet_contracts import Label
from septet_experiments.cases import Case, Origin

from septet_cli.evaluation.case_file import CaseFile
from septet_cli.evaluation.scrub import Scrubber

KINDS = frozenset({"thumbs", "rating", "flagged_source", "correction"})
"""Explicit feedback that may report a wrong answer."""


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

    def add(self, label: Label) -> Case | None:
        """Add the case of a label; None if it gives none, or changes none."""
        if (
            self._tenant not in (None, label.tenant)
            or not _is_wrong(label)
            or not (label.question or "").strip()
        ):
            return None
        case = self._case(label)
        if not self._file.add(case):
            return None
        self.written += 1
        return case

    def _case(self, label: Label) -> Case:
        question, correction = label.question or "", label.corrected_answer
        before = self._file.get(_id_of(label))
        scrub = Scrubber([question, correction or ""])
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
            references=references,
            conversation=label.conversation_id,
            origin=origin,
        )


def _is_wrong(label: Label) -> bool:
    return label.explicit and label.polarity == "negative" and label.kind in KINDS


def _id_of(label: Label) -> str:
    request = f"{label.tenant}:{label.request_id}"
    return f"feedback-{hashlib.sha256(request.encode()).hexdigest()[:12]}"

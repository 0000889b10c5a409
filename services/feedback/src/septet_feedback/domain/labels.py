"""Labels: feedback joined to the answer that was shown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from septet_contracts import Comment, Correction, FeedbackEvent, FlaggedSource, Label, Thumbs, event_id

from septet_feedback.domain.shown import Shown
from septet_feedback.domain.signals import signal_of


def cause_of(feedback: FeedbackEvent) -> UUID:
    """The id of a feedback event, which is the same for all its copies."""
    return event_id(feedback.tenant, feedback.request_id, "feedback", feedback.feedback_id)


def label(feedback: FeedbackEvent, shown: Shown, now: datetime) -> Label:
    """The label of the answer ``shown`` from ``feedback``.

    A flagged source that was not among the shown ones is ignored.

    Raises:
        ValueError: they belong to different tenants or requests.
    """
    if (feedback.tenant, feedback.request_id) != (shown.tenant, shown.request_id):
        raise ValueError("feedback joins only the answer to its own request, of its own tenant")
    signal = signal_of(feedback)
    return Label(
        request_id=shown.request_id,
        tenant=shown.tenant,
        conversation_id=shown.conversation_id,
        event_id=event_id(shown.tenant, shown.request_id, Label.STEP, feedback.feedback_id),
        occurred_at=now,
        causation_id=cause_of(feedback),
        feedback_id=feedback.feedback_id,
        kind=feedback.kind,
        explicit=signal.explicit,
        polarity=signal.polarity,
        weight=signal.weight,
        question=shown.question,
        answer=shown.answer,
        corrected_answer=feedback.answer if isinstance(feedback, Correction) else None,
        comment=_comment(feedback),
        document_ids=shown.document_ids,
        flagged_document_id=_flagged(feedback, shown),
        cache_entry_id=shown.cache_entry_id,
        response_event_id=shown.response_event_id,
        trace_id=shown.trace_id,
    )


def label_key(feedback: FeedbackEvent | Label) -> bytes:
    """Record key of labels: feedback and labels are keyed by request, not by conversation."""
    return f"{feedback.tenant}:{feedback.request_id}".encode()


def _comment(feedback: FeedbackEvent) -> str | None:
    match feedback:
        case Thumbs(comment=text) | FlaggedSource(reason=text):
            return text
        case Comment(text=text):
            return text
    return None


def _flagged(feedback: FeedbackEvent, shown: Shown) -> str | None:
    if isinstance(feedback, FlaggedSource) and feedback.document_id in shown.document_ids:
        return feedback.document_id
    return None

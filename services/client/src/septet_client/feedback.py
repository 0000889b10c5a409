"""Feedback on a response."""

from __future__ import annotations

from typing import Any, Literal, TypedDict
from uuid import uuid4

from septet_client.errors import InvalidInput


class FeedbackOptions(TypedDict, total=False):
    """One kind of feedback, and who gave it.

    Attributes:
        thumbs: ``up`` or ``down``; ``comment`` may go with it.
        stars: 1 to 5.
        comment: text, alone or with ``thumbs``.
        correction: the correct answer.
        flagged_source: document id of a source that is wrong; ``reason`` may go with it.
        reason: why the source is flagged.
        signal: what the user did with the answer.
        dwell_s: how many seconds the user looked at it.
        user: pseudonym of the user.
        feedback_id: idempotency key, to send the same feedback again.
    """

    thumbs: Literal["up", "down"]
    stars: int
    comment: str
    correction: str
    flagged_source: str
    reason: str
    signal: Literal["copied", "regenerated", "dismissed"]
    dwell_s: float
    user: str
    feedback_id: str


_KINDS = ("thumbs", "stars", "comment", "correction", "flagged_source", "signal", "dwell_s")


def feedback_body(tenant: str, request_id: str, options: FeedbackOptions) -> dict[str, Any]:
    """The body of a feedback record.

    Raises:
        InvalidInput: no kind, several kinds, or an unknown option was given.
    """
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if unknown := given.keys() - FeedbackOptions.__annotations__.keys():
        raise InvalidInput(f"unknown option {min(unknown)!r}", field=min(unknown))
    kinds = [kind for kind in _KINDS if kind in given]
    if kinds == ["thumbs", "comment"]:
        kinds = ["thumbs"]
    if len(kinds) != 1:
        raise InvalidInput(f"give exactly one of {', '.join(_KINDS)}", field=kinds[0] if kinds else None)
    if "reason" in given and kinds != ["flagged_source"]:
        raise InvalidInput("`reason` goes with `flagged_source`", field="reason")
    return {
        "request_id": request_id,
        "tenant": tenant,
        "feedback_id": given.get("feedback_id") or f"fb-{uuid4().hex}",
        "user": given.get("user"),
        **_event(kinds[0], given),
    }


def _event(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    value = given[kind]
    events: dict[str, dict[str, Any]] = {
        "thumbs": {"kind": "thumbs", "value": value, "comment": given.get("comment")},
        "stars": {"kind": "rating", "stars": value},
        "comment": {"kind": "comment", "text": value},
        "correction": {"kind": "correction", "answer": value},
        "flagged_source": {"kind": "flagged_source", "document_id": value, "reason": given.get("reason")},
        "signal": {"kind": value},
        "dwell_s": {"kind": "dwell", "seconds": value},
    }
    return events[kind]

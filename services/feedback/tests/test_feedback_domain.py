"""Signals of feedback events, and the labels made from them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter
from septet_contracts import CacheInfo, FeedbackEvent, Release, Source, event_id
from septet_feedback.domain.labels import cause_of, label, label_key
from septet_feedback.domain.shown import Shown, shown_from
from septet_feedback.domain.signals import signal_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def feedback(kind: str, **fields: Any) -> FeedbackEvent:
    base = {"kind": kind, "request_id": "r-1", "feedback_id": "f-1"}
    parsed: FeedbackEvent = TypeAdapter(FeedbackEvent).validate_python(base | fields)
    return parsed


def release(**fields: Any) -> Release:
    base: dict[str, Any] = {
        "request_id": "r-1",
        "event_id": event_id("default", "r-1", "release"),
        "response_event_id": event_id("default", "r-1", "response"),
        "occurred_at": NOW,
        "status": "answered",
        "question": "덱이 뭐예요?",
        "answer": "양쪽 끝 큐입니다 [1].",
        "trace_id": "ab" * 16,
        "cache": CacheInfo(status="hit_exact", entry_id="e-1"),
        "sources": tuple(
            Source(number=n, passage_id=f"p{n}", document_id=d, passage="…")
            for n, d in ((1, "a"), (2, "b"), (3, "a"))
        ),
    }
    return Release(**(base | fields))


@pytest.fixture
def shown() -> Shown:
    return shown_from(release(conversation_id="c-1"), PARENT)


def test_the_stored_part_of_a_release(shown: Shown) -> None:
    assert shown.document_ids == ("a", "b")
    assert shown.cache_entry_id == "e-1"
    assert shown.traceparent == PARENT
    assert shown.question == "덱이 뭐예요?"


@pytest.mark.parametrize(
    ("event", "polarity", "weight", "explicit"),
    [
        (feedback("thumbs", value="up"), "positive", 1.0, True),
        (feedback("thumbs", value="down"), "negative", 1.0, True),
        (feedback("rating", stars=1), "negative", 1.0, True),
        (feedback("rating", stars=2), "negative", 0.6, True),
        (feedback("rating", stars=3), "neutral", 0.3, True),
        (feedback("rating", stars=4), "positive", 0.6, True),
        (feedback("rating", stars=5), "positive", 1.0, True),
        (feedback("comment", text="음"), "neutral", 0.5, True),
        (feedback("correction", answer="x"), "negative", 1.0, True),
        (feedback("flagged_source", document_id="a"), "negative", 0.8, True),
        (feedback("copied"), "positive", 0.4, False),
        (feedback("regenerated"), "negative", 0.4, False),
        (feedback("dismissed"), "negative", 0.2, False),
        (feedback("dwell", seconds=2.9), "negative", 0.1, False),
        (feedback("dwell", seconds=3), "neutral", 0.1, False),
        (feedback("dwell", seconds=15), "positive", 0.2, False),
        (feedback("dwell", seconds=600), "positive", 0.2, False),
        (feedback("dwell", seconds=601), "neutral", 0.1, False),
    ],
)
def test_polarity_and_weight_of_each_kind(
    event: FeedbackEvent, polarity: str, weight: float, explicit: bool
) -> None:
    found = signal_of(event)
    assert (found.polarity, found.weight, found.explicit) == (polarity, weight, explicit)


@pytest.mark.parametrize(
    ("event", "score", "name"),
    [
        (feedback("thumbs", value="up"), 1.0, "up"),
        (feedback("thumbs", value="down"), 0.0, "down"),
        (feedback("rating", stars=1), 0.0, "1 of 5"),
        (feedback("rating", stars=4), 0.75, "4 of 5"),
        (feedback("copied"), None, None),
    ],
)
def test_score_and_label_of_each_kind(event: FeedbackEvent, score: float | None, name: str | None) -> None:
    assert (signal_of(event).score, signal_of(event).label) == (score, name)


def test_a_label_contains_the_shown_answer(shown: Shown) -> None:
    made = label(feedback("correction", answer="덱은 양방향 큐다."), shown, NOW)
    assert made.corrected_answer == "덱은 양방향 큐다."
    assert (made.question, made.answer) == (shown.question, shown.answer)
    assert made.document_ids == ("a", "b")
    assert made.cache_entry_id == "e-1"
    assert made.response_event_id == str(release().response_event_id)
    assert made.conversation_id == "c-1"
    assert made.causation_id == cause_of(feedback("correction", answer="x"))
    assert label_key(made) == b"default:r-1"


def test_the_event_id_of_a_label_follows_from_its_feedback(shown: Shown) -> None:
    one, same, other = (
        label(feedback("copied", feedback_id=i), shown, NOW).event_id for i in ("f-1", "f-1", "f-2")
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("event", "comment"),
    [
        (feedback("thumbs", value="down", comment="틀렸어요"), "틀렸어요"),
        (feedback("comment", text="nice"), "nice"),
        (feedback("flagged_source", document_id="a", reason="old"), "old"),
        (feedback("copied"), None),
    ],
)
def test_comment_of_each_kind(shown: Shown, event: FeedbackEvent, comment: str | None) -> None:
    assert label(event, shown, NOW).comment == comment


def test_only_a_shown_source_can_be_flagged(shown: Shown) -> None:
    assert label(feedback("flagged_source", document_id="b"), shown, NOW).flagged_document_id == "b"
    assert label(feedback("flagged_source", document_id="z"), shown, NOW).flagged_document_id is None


@pytest.mark.parametrize("field", [{"tenant": "acme"}, {"request_id": "r-2"}])
def test_feedback_of_another_request_or_tenant_is_rejected(shown: Shown, field: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="own"):
        label(feedback("copied", **field), shown, NOW)


def test_a_response_without_question_and_sources_is_labelled() -> None:
    refused = shown_from(release(status="failed", question=None, answer=None, sources=(), cache=None), None)
    made = label(feedback("thumbs", value="down"), refused, NOW)
    assert (made.polarity, made.document_ids, made.cache_entry_id) == ("negative", (), None)

"""Labelled data for judges from feedback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from septet_cli.evaluation.labelled_feedback import labelled_line
from septet_contracts import Label
from septet_experiments.judges.labelled import parse_labelled


def label(**fields: Any) -> Label:
    base: dict[str, Any] = {
        "request_id": "r-1",
        "event_id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "feedback_id": "f-1",
        "kind": "thumbs",
        "explicit": True,
        "polarity": "negative",
        "weight": 1.0,
        "question": "Who answers mail to kim@example.com?",
        "answer": "Support, at help@example.com.",
        "response_event_id": str(uuid4()),
    }
    return Label.model_validate(base | fields)


def test_feedback_becomes_labelled_data_without_personal_data() -> None:
    lines = [
        labelled_line(label()),
        labelled_line(label(polarity="positive")),
        labelled_line(label(kind="correction", corrected_answer="Sales, at help@example.com.")),
    ]
    text = [json.dumps(line) for line in lines]
    assert "example.com" not in "".join(text)
    data = parse_labelled(text)
    assert [answer.good for answer in data.answers] == [False, True]
    (pair,) = data.pairs
    assert (pair.label, pair.outputs[1].split(",")[0]) == ("2", "Sales")


@pytest.mark.parametrize(
    "fields",
    [{"explicit": False, "kind": "copied"}, {"polarity": "neutral"}, {"question": None}, {"answer": None}],
)
def test_feedback_that_rates_no_answer_is_left_out(fields: dict[str, Any]) -> None:
    assert labelled_line(label(**fields)) is None

"""Builders of observed responses, and the public reference values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from septet_contracts import Response, Source
from septet_experiments.cases import Case
from septet_experiments.metrics import Metric, Observed, select

from benchmarks.data import data_dir


def response(answer: str | None = "", **fields: Any) -> Response:
    """A response; an answer by default."""
    made: dict[str, Any] = {
        "request_id": "r-1",
        "event_id": UUID(int=1),
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "status": "answered",
        "answer": answer,
        "answer_kind": "generated",
    }
    return Response(**(made | fields))


def observed(
    answer: str | None = "", *references: str, case: dict[str, Any] | None = None, **fields: Any
) -> Observed:
    """An answer with its references; ``case`` and ``fields`` set further fields of the case and the response."""
    made = Case(**({"id": "c-1", "question": "?", "references": references} | (case or {})))
    return Observed(made, response(answer, **fields))


def found(*documents: str) -> tuple[Source, ...]:
    """Sources with one passage each, in order."""
    return tuple(
        Source(number=number, passage_id=f"p{number}", document_id=document, passage="text")
        for number, document in enumerate(documents, start=1)
    )


def one(name: str, **resources: Any) -> Metric:
    """One metric of the registry."""
    (metric,) = select([name], **resources)
    return metric


def golden(name: str) -> list[dict[str, Any]]:
    """Rows of a public set, such as ``metric_goldens/text_metrics``; skips the test without it."""
    path = data_dir() / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{name} is not below {data_dir()} (SEPTET_DATA)")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

"""Requests that need no model: no search and no generation, small talk, and checks by the rails alone."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Backend

PASSAGES = [{"title": "Plans", "text": "The Team plan costs 12 USD a month."}]


@pytest.mark.parametrize(
    ("question", "fields", "status", "answer"),
    [
        ("What is a deque?", {"generate": False, "retrieval": {"mode": "off"}}, "answered", None),
        ("Hello!", {}, "answered", "Hello!"),
        ("뭘 할 수 있어?", {}, "answered", "등록된 문서"),
        (
            "What does Team cost?",
            {"check": {"answer": "The Team plan costs 12 USD a month [1].", "passages": PASSAGES}},
            "answered",
            "12 USD",
        ),
        (
            "What does Team cost?",
            {"check": {"answer": "Napoleon built the plan in 1805 [1].", "passages": PASSAGES}},
            "refused",
            None,
        ),
    ],
    ids=["nothing", "greeting", "ability", "supported", "unsupported"],
)
async def test_the_response_has_verdicts_and_no_model_was_called(
    backend: Backend, question: str, fields: dict[str, Any], status: str, answer: str | None
) -> None:
    response = await backend.ask(question, **fields)
    assert (response.status, response.answer_kind, response.error) == (status, "none", None)
    assert response.usage.model_calls == 0
    assert (answer or "") in (response.answer or "")
    assert (response.answer is None) == (answer is None)
    assert response.verdicts
    assert "generation" not in {timing.stage for timing in response.timings}

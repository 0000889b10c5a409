"""Feedback that comes later is in the trace of the answer that it is about."""

from __future__ import annotations

from uuid import uuid4

from ..conftest import Backend
from .spans import ask_about, assert_feedback_is_in_the_trace, give_thumbs_down, read_spans


async def test_feedback_lands_in_the_trace_of_its_answer(backend: Backend) -> None:
    response = await ask_about(backend, f"frobnicator{uuid4().hex[:6]}")
    await give_thumbs_down(backend, response.request_id)
    names = {"feedback thumbs", "send septet.labels.v1", "send septet.releases.v1"}
    spans = await read_spans(backend, response.trace_id, names)
    assert_feedback_is_in_the_trace(spans)

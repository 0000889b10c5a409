"""Feedback that comes later is in the trace of the answer that it is about."""

from __future__ import annotations

from uuid import uuid4

from ..conftest import Backend
from .test_edges import _ask_about, _parent, _trace


async def test_feedback_lands_in_the_trace_of_its_answer(backend: Backend) -> None:
    response = await _ask_about(backend, f"frobnicator{uuid4().hex[:6]}")
    feedback = {
        "request_id": response.request_id, "feedback_id": uuid4().hex, "kind": "thumbs", "value": "down",
    }  # fmt: skip
    key = f"default:{response.request_id}"
    await backend.client.publish("septet.feedback.v1", key, feedback)
    names = {"feedback thumbs", "send septet.labels.v1", "send septet.responses.v1"}
    spans = await _trace(backend, response.trace_id, names)
    by_id = {s["spanID"]: s for s in spans}
    (late,) = [s for s in spans if s["operationName"] == "feedback thumbs"]
    assert by_id[str(_parent(late))]["operationName"] == "send septet.responses.v1"

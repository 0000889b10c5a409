"""One trace per request: every hop nested under the hop before it, none missing, no orphan, one root."""

from __future__ import annotations

import json
from uuid import uuid4

from septet_cli.wire import open_producer

from ..conftest import Backend
from .spans import (
    HOPS,
    ask_about,
    assert_model_calls_and_scores,
    assert_one_root_and_every_edge,
    parent_id,
    read_spans,
)


async def test_edges_of_a_whole_request(backend: Backend) -> None:
    response = await ask_about(backend, f"zorbulator{uuid4().hex[:6]}")
    spans = await read_spans(backend, response.trace_id, {*HOPS, "request", "process septet.requests.v1"})
    assert_one_root_and_every_edge(spans)


async def test_model_calls_and_evaluations_are_on_the_trace(backend: Backend) -> None:
    response = await ask_about(backend, f"quibbler{uuid4().hex[:6]}")
    spans = await read_spans(backend, response.trace_id, {"request", "process septet.outcomes.v1"})
    assert_model_calls_and_scores(spans, [s.name for s in response.scores])


async def test_a_client_that_brings_its_own_trace_stays_its_owner(backend: Backend) -> None:
    trace_id, span_id = uuid4().hex, uuid4().hex[:16]
    request = {"request_id": f"own-{uuid4().hex[:8]}", "question": ""}
    async with open_producer(backend.addresses.connection()) as producer:
        await producer.send_and_wait(
            "septet.requests.v1",
            json.dumps(request).encode(),
            key=b"default:own",
            headers=[("traceparent", f"00-{trace_id}-{span_id}-01".encode())],
        )
    spans = await read_spans(backend, trace_id, {"process septet.requests.v1", "send septet.responses.v2"})
    assert "request" not in {s["operationName"] for s in spans}
    entries = [s for s in spans if s["operationName"] == "process septet.requests.v1"]
    assert {parent_id(s) for s in entries} == {span_id}

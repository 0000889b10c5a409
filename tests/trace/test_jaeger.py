"""The same trace, read from Jaeger's own query API: whole, with its attributes, events and late feedback."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest

from ..conftest import NATIVE, Backend
from .spans import (
    HOPS,
    READERS_OF_RESPONSES,
    ask_about,
    assert_feedback_is_in_the_trace,
    assert_model_calls_and_scores,
    assert_one_root_and_every_edge,
    give_thumbs_down,
    read_spans,
    tags,
)

pytestmark = pytest.mark.skipif(not NATIVE, reason="Jaeger: runs with `make test-stack`")
SERVICES = {service for service, _ in HOPS.values()} | READERS_OF_RESPONSES


@pytest.fixture
async def jaeger(backend: Backend) -> str:
    """Address of Jaeger's query API."""
    url = backend.addresses.traces_url
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http:
        # The embedded receiver has this address, Jaeger's catch-all serves its page here.
        if (await http.get("/healthz")).headers["content-type"].startswith("application/json"):
            pytest.skip("Jaeger: the machine has no Go, the embedded receiver takes its place")
    return url


async def test_a_request_and_its_late_feedback_are_one_trace_in_jaeger(backend: Backend, jaeger: str) -> None:
    response = await ask_about(backend, f"조립기{uuid4().hex[:6]}")
    names = {*HOPS, "request", "process septet.requests.v1"}
    spans = await read_spans(backend, response.trace_id, names)
    assert_one_root_and_every_edge(spans)
    assert {s["service"] for s in spans} == SERVICES
    assert_model_calls_and_scores(spans, [s.name for s in response.scores])
    embeddings = [s for s in spans if s["operationName"].startswith("embeddings ")]
    assert {tags(s)["gen_ai.operation.name"] for s in embeddings} == {"embeddings"}
    assert any(s["operationName"].startswith("retrieval ") for s in spans)

    before = {s["spanID"] for s in spans}
    await give_thumbs_down(backend, response.request_id)
    late = await read_spans(backend, response.trace_id, {"feedback thumbs", "send septet.labels.v1"})
    assert before < {s["spanID"] for s in late}
    assert_feedback_is_in_the_trace(late)
    assert [s["operationName"] for s in late if not s["references"]] == ["request"]


async def test_jaeger_finds_the_request_by_its_id(backend: Backend, jaeger: str) -> None:
    response = await ask_about(backend, f"jumbler{uuid4().hex[:6]}")
    await read_spans(backend, response.trace_id, {"request"})
    query = {"service": "septet-eval", "tags": f'{{"septet.request_id":"{response.request_id}"}}'}
    async with httpx.AsyncClient(base_url=jaeger, timeout=10, trust_env=False) as http:
        found = (await http.get("/api/traces", params=query)).json()["data"]
    assert [trace["traceID"] for trace in found] == [response.trace_id]


async def test_jaeger_serves_the_trace_page(jaeger: str) -> None:
    async with httpx.AsyncClient(base_url=jaeger, timeout=10, trust_env=False) as http:
        page = (await http.get(f"/trace/{'a' * 32}")).text
        assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        assert "Septet" in page
        assert len(assets) == 2
        for asset in assets:
            answer = await http.get(asset)
            assert answer.status_code == 200
            assert not answer.headers["content-type"].startswith("text/html")

"""One trace per request: every hop nested under the hop before it, none missing, no orphan, one root."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from ..conftest import Backend

HOPS = {
    "send septet.screened.v1": ("septet-guardrails", "process septet.requests.v1"),
    "process septet.screened.v1": ("septet-cache", "send septet.screened.v1"),
    "send septet.missed.v1": ("septet-cache", "process septet.screened.v1"),
    "process septet.missed.v1": ("septet-retrieval", "send septet.missed.v1"),
    "send septet.grounded.v1": ("septet-retrieval", "process septet.missed.v1"),
    "process septet.grounded.v1": ("septet-generation", "send septet.grounded.v1"),
    "send septet.drafts.v1": ("septet-generation", "process septet.grounded.v1"),
    "process septet.drafts.v1": ("septet-guardrails", "send septet.drafts.v1"),
    "send septet.outcomes.v1": ("septet-guardrails", "process septet.drafts.v1"),
    "process septet.outcomes.v1": ("septet-eval", "send septet.outcomes.v1"),
    "send septet.responses.v1": ("septet-eval", "process septet.outcomes.v1"),
    "process septet.responses.v1": ("septet-cache", "send septet.responses.v1"),
}  # fmt: skip


async def _trace(backend: Backend, trace_id: str, names: set[str]) -> list[dict[str, Any]]:
    """The trace's spans, once all of ``names`` are there and nothing has come for a while.

    Each service exports on its own, every half second: the last named span may come before others.
    """
    url = f"{backend.addresses.traces_url}/api/traces/{trace_id}"
    spans: list[dict[str, Any]] = []
    quiet = 0
    async with httpx.AsyncClient() as http:
        for _ in range(80):
            answer = await http.get(url)
            if answer.status_code == 200:
                (body,) = answer.json()["data"]
                services = {k: p["serviceName"] for k, p in body["processes"].items()}
                quiet = quiet + 1 if len(body["spans"]) == len(spans) else 0
                spans = [{**s, "service": services[s["processID"]]} for s in body["spans"]]
                if quiet >= 6 and names <= {s["operationName"] for s in spans}:
                    return spans
            await asyncio.sleep(0.25)
    missing = names - {s["operationName"] for s in spans}
    raise AssertionError(f"spans missing after 20 s: {sorted(missing)}")


def _parent(span: dict[str, Any]) -> str | None:
    return next((r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"), None)


async def _ask_about(backend: Backend, thing: str, **fields: Any) -> Any:
    document = {
        "action": "upsert", "document_id": f"doc-{thing}", "title": thing,
        "text": f"The {thing} is a small tool. The {thing} sorts letters by their colour.",
    }  # fmt: skip
    await backend.client.publish("septet.documents.v1", f"default:doc-{thing}", document)
    for _ in range(20):
        response = await backend.ask(f"What does the {thing} sort?", cache={"use": "bypass"}, **fields)
        if response.status == "answered":
            return response
        await asyncio.sleep(0.5)
    raise AssertionError(f"never answered: {response.status} {response.error}")


async def test_edges_of_a_whole_request(backend: Backend) -> None:
    response = await _ask_about(backend, f"zorbulator{uuid4().hex[:6]}")
    names = {*HOPS, "request", "process septet.requests.v1"}
    spans = await _trace(backend, response.trace_id, names)
    by_id = {s["spanID"]: s for s in spans}

    roots = [s for s in spans if _parent(s) is None]
    assert [s["operationName"] for s in roots] == ["request"]
    orphans = [s["operationName"] for s in spans if _parent(s) is not None and _parent(s) not in by_id]
    assert orphans == []

    for name, (service, parent) in HOPS.items():
        found = [s for s in spans if s["operationName"] == name and s["service"] == service]
        assert found, name
        parents = {by_id[str(_parent(s))]["operationName"] for s in found}
        assert parents == {parent}, name
    entries = [s for s in spans if s["operationName"] == "process septet.requests.v1"]
    assert {s["service"] for s in entries} == {"septet-guardrails", "septet-eval"}
    assert {_parent(s) for s in entries} == {roots[0]["spanID"]}


async def test_model_calls_and_evaluations_are_on_the_trace(backend: Backend) -> None:
    response = await _ask_about(backend, f"quibbler{uuid4().hex[:6]}")
    spans = await _trace(backend, response.trace_id, {"request", "process septet.outcomes.v1"})
    chats = [s for s in spans if s["operationName"].startswith("chat ")]
    assert chats
    assert {t["key"] for t in chats[0]["tags"]} >= {"gen_ai.request.model", "gen_ai.usage.output_tokens"}
    events = [
        {f["key"]: f["value"] for f in log["fields"]}
        for s in spans
        for log in s["logs"]
        if any(f["key"] == "event" and f["value"] == "gen_ai.evaluation.result" for f in log["fields"])
    ]
    assert {e["gen_ai.evaluation.name"] for e in events} >= {s.name for s in response.scores}


async def test_a_client_that_brings_its_own_trace_stays_its_owner(backend: Backend) -> None:
    trace_id, span_id = uuid4().hex, uuid4().hex[:16]
    request = {"request_id": f"own-{uuid4().hex[:8]}", "question": ""}
    producer = backend.client._producer
    import json

    await producer.send_and_wait(
        "septet.requests.v1", json.dumps(request).encode(), key=b"default:own",
        headers=[("traceparent", f"00-{trace_id}-{span_id}-01".encode())],
    )  # fmt: skip
    spans = await _trace(backend, trace_id, {"process septet.requests.v1", "send septet.responses.v1"})
    assert "request" not in {s["operationName"] for s in spans}
    entries = [s for s in spans if s["operationName"] == "process septet.requests.v1"]
    assert {_parent(s) for s in entries} == {span_id}

"""Reading a request's trace back, and what every such trace must hold.

The embedded receiver and Jaeger answer the same query API, so that one reader serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

import httpx

from ..conftest import Backend

# Span of each hop: the service that makes it, and the span that it is a child of.
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
    "send septet.responses.v2": ("septet-eval", "process septet.outcomes.v1"),
    "send septet.responses.v1": ("septet-eval", "process septet.outcomes.v1"),
    "send septet.releases.v1": ("septet-eval", "process septet.outcomes.v1"),
    "process septet.releases.v1": ("septet-cache", "send septet.releases.v1"),
}
READERS_OF_RESPONSES = {"septet-cache", "septet-feedback"}
Spans = Sequence[dict[str, Any]]


async def read_spans(backend: Backend, trace_id: str, names: Collection[str]) -> Spans:
    """The trace's spans, once all of ``names`` are there and nothing has come for a while.

    Each service exports on its own, every half second: the last named span may come before others.
    """
    url = f"{backend.addresses.traces_url}/api/traces/{trace_id}"
    spans: list[dict[str, Any]] = []
    wanted, quiet = set(names), 0
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        for _ in range(160):
            answer = await http.get(url)
            if answer.status_code == 200:
                (body,) = answer.json()["data"]
                services = {k: p["serviceName"] for k, p in body["processes"].items()}
                quiet = quiet + 1 if len(body["spans"]) == len(spans) else 0
                spans = [{**s, "service": services[s["processID"]]} for s in body["spans"]]
                if quiet >= 6 and wanted <= {s["operationName"] for s in spans}:
                    return spans
            await asyncio.sleep(0.25)
    missing = wanted - {s["operationName"] for s in spans}
    raise AssertionError(f"spans missing after 40 s: {sorted(missing)}")


def parent_id(span: dict[str, Any]) -> str | None:
    """Id of the span that ``span`` is a child of."""
    return next((r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"), None)


def tags(span: dict[str, Any]) -> dict[str, Any]:
    """The span's attributes."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def events(spans: Spans, name: str) -> list[dict[str, Any]]:
    """The attributes of each event called ``name``."""
    found = []
    for span in spans:
        for log in span["logs"] or ():
            fields = {f["key"]: f["value"] for f in log["fields"]}
            if fields.get("event") == name:
                found.append(fields)
    return found


async def ask_about(backend: Backend, thing: str, **fields: Any) -> Any:
    """Teach the backend what ``thing`` is, and return the first answered response about it."""
    document = {
        "action": "upsert",
        "document_id": f"doc-{thing}",
        "title": thing,
        "text": f"The {thing} is a small tool. The {thing} sorts letters by their colour.",
    }
    await backend.client.publish("septet.documents.v1", f"default:doc-{thing}", document)
    for _ in range(20):
        response = await backend.ask(f"What does the {thing} sort?", cache={"use": "bypass"}, **fields)
        if response.status == "answered":
            return response
        await asyncio.sleep(0.5)
    raise AssertionError(f"never answered: {response.status} {response.error}")


async def give_thumbs_down(backend: Backend, request_id: str) -> None:
    """Feedback on a response, as a client sends it."""
    feedback = {"request_id": request_id, "feedback_id": uuid4().hex, "kind": "thumbs", "value": "down"}
    await backend.client.publish("septet.feedback.v1", f"default:{request_id}", feedback)


def assert_one_root_and_every_edge(spans: Spans) -> None:
    """One root, no orphan, and every hop a child of the hop before it."""
    by_id = {s["spanID"]: s for s in spans}
    roots = [s for s in spans if parent_id(s) is None]
    assert [s["operationName"] for s in roots] == ["request"]
    orphans = [s["operationName"] for s in spans if parent_id(s) is not None and parent_id(s) not in by_id]
    assert orphans == []
    for name, (service, parent) in HOPS.items():
        found = [s for s in spans if s["operationName"] == name and s["service"] == service]
        assert found, name
        assert {by_id[str(parent_id(s))]["operationName"] for s in found} == {parent}, name
    entries = [s for s in spans if s["operationName"] == "process septet.requests.v1"]
    assert {s["service"] for s in entries} == {"septet-guardrails", "septet-eval"}
    assert {parent_id(s) for s in entries} == {roots[0]["spanID"]}


def assert_model_calls_and_scores(spans: Spans, score_names: Collection[str]) -> None:
    """Every model call carries ``gen_ai.*`` attributes, and each score is an evaluation event."""
    chats = [s for s in spans if s["operationName"].startswith("chat ")]
    assert chats
    for chat in chats:
        assert tags(chat).keys() >= {
            "gen_ai.operation.name",
            "gen_ai.request.model",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
        }
    given = events(spans, "gen_ai.evaluation.result")
    assert {e["gen_ai.evaluation.name"] for e in given} >= set(score_names)
    assert all("gen_ai.evaluation.score.value" in e for e in given)


def assert_feedback_is_in_the_trace(spans: Spans) -> None:
    """The late feedback is a child of the response that it is about."""
    by_id = {s["spanID"]: s for s in spans}
    (late,) = [s for s in spans if s["operationName"] == "feedback thumbs"]
    assert by_id[str(parent_id(late))]["operationName"] == "send septet.releases.v1"

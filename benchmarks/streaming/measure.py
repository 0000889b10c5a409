"""Time to the first raw text, to the first released sentence and to the complete answer, through the gateway.

``python -m benchmarks.streaming.measure [stub] [embedded]`` starts an embedded stack for each named model, asks one question
after the other without the cache, and writes ``results/<model>.json``. ``stub`` is a model of 50 tokens per second that says
five sentences of a passage. A relay before the model server notes the first raw text, also of a draft that is revised later. All
times begin with the call.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from septet_cli.bench.metrics import percentile
from septet_cli.client import Client, connect
from septet_cli.embedded import running
from septet_cli.keys import open_keys
from septet_cli.stub.server import StubOptions, serve_stub
from septet_gateway.domain.keys import SCOPES
from septet_native.services import default_services
from septet_native.stack.settings import StackSettings

from benchmarks.capacity import workload
from benchmarks.streaming.relay import Relay, serve_relay

RESULTS = Path(__file__).parent / "results"
STUB = StubOptions(tokens_per_s=50, sentences=5)
DOCUMENTS, WARM_UP = 40, 3
TOWNS = ("Harbour", "Larkspur", "Millbrook", "Ashford", "Winslow", "Danbury", "Kingsley", "Marlow")
SAYS = (
    "The library of {0} opens at nine on weekdays and at ten on Saturdays.",
    "It has 40 desks for visitors and lends books for 28 days.",
    "A lost card of the library costs 5 euros at the front desk.",
    "The reading room on the second floor closes at eight in the evening.",
    "Children under twelve need the permission of a parent to get a card.",
)


@dataclass(frozen=True)
class Times:
    """Times of one call in milliseconds; ``raw`` and ``first`` are absent without a model call and without text."""

    raw: float | None
    first: float | None
    complete: float
    deltas: int
    status: str


async def main(models: Sequence[str], calls: int) -> None:
    """Measure and write the results."""
    for model in models:
        async with AsyncExitStack() as exits:
            times = await _measure(model, calls, exits)
        _write(model, times)


async def _measure(model: str, calls: int, exits: AsyncExitStack) -> list[Times]:
    relay = await exits.enter_async_context(serve_relay())
    stub = await exits.enter_async_context(serve_stub(STUB)) if model == "stub" else None
    folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="septet-streaming-")))
    # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
    folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
    ports = {f: 0 for f in StackSettings.model_fields if f.endswith("_port")}
    chosen: dict[str, Any] = {"llm_url": stub, "llm_model": "stub"} if stub else {}
    settings = StackSettings.model_validate({"stack": "embedded", "data_dir": folder, **chosen, **ports})
    env = {"SEPTET_LLM_URL": relay.url}
    stack = await exits.enter_async_context(running(settings, default_services(), lambda *_: None, env))
    assert stack.addresses is not None
    relay.upstream = stack.addresses.llm_url
    kafka = stack.addresses.connection()
    client = await exits.enter_async_context(connect(kafka))
    asked = await _ingest(client, kafka, is_stub=model == "stub")
    async with open_keys(stack.addresses) as store:
        key = await store.table.create("default", "bench", SCOPES, store.secret)
    http = await exits.enter_async_context(
        httpx.AsyncClient(
            base_url=stack.addresses.gateway_url, headers={"authorization": f"Bearer {key}"}, timeout=120
        )
    )
    questions = (asked * (calls // len(asked) + 2))[: calls + WARM_UP]
    return [await _ask(http, relay, question) for question in questions][WARM_UP:]


async def _ingest(client: Client, kafka: Any, *, is_stub: bool) -> list[str]:
    """Ingest documents; returns questions about them."""
    if not is_stub:
        found = workload.documents(DOCUMENTS)
        await workload.ingest(kafka, found)
        return workload.questions(found)
    for town in TOWNS:
        text = " ".join(SAYS).format(town)
        document = {"action": "upsert", "document_id": town, "text": text}
        await client.publish("septet.documents.v1", f"default:{town}", document)
    await asyncio.sleep(5)
    return [f"When does the library of {town} open?" for town in TOWNS]


async def _ask(http: httpx.AsyncClient, relay: Relay, question: str) -> Times:
    body = {
        "model": "septet",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "septet": {"cache": {"use": "bypass"}},
    }
    began, before, first, deltas, status = time.monotonic(), relay.calls, None, 0, "error"
    relay.first = None
    async with http.stream("POST", "/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            if "septet" in chunk:
                status = chunk["septet"]["status"]
            if chunk.get("choices") and chunk["choices"][0]["delta"].get("content"):
                deltas += 1
                first = first or time.monotonic()
    raw = relay.first if relay.calls > before else None
    return Times(
        _since(began, raw), _since(began, first), _since(began, time.monotonic()) or 0, deltas, status
    )


def _since(began: float, at: float | None) -> float | None:
    return None if at is None else (at - began) * 1000


def _write(model: str, times: list[Times]) -> None:
    answered = [t for t in times if t.status == "answered" and t.raw is not None]
    partial = [t for t in answered if t.deltas > 1]
    found = {
        "model": model,
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "calls": len(times),
        "answered_by_the_model": len(answered),
        "with_more_than_one_delta": len(partial),
        "answered": _figures(answered),
        "more_than_one_delta": _figures(partial),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{model}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def _figures(times: list[Times]) -> dict[str, Any]:
    """Percentiles in milliseconds."""
    if not times:
        return {}
    columns = {
        "first_raw_text": [t.raw for t in times if t.raw is not None],
        "first_released_text": [t.first for t in times if t.first is not None],
        "complete": [t.complete for t in times],
    }
    made: dict[str, Any] = {
        name: {"p50_ms": round(percentile(values, 50)), "p90_ms": round(percentile(values, 90))}
        for name, values in columns.items()
    }
    made["deltas_p50"] = percentile([float(t.deltas) for t in times], 50)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["stub", "embedded"])
    parser.add_argument("--calls", type=int, default=40)
    given = parser.parse_args()
    asyncio.run(main(given.models, given.calls))

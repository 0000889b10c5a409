"""Cost of a request by process, and its latency, with a stub model.

``python -m benchmarks.capacity.measure embedded [native]`` starts the named stacks, measures latency on them in turns and
then the cost on each, and writes ``results/<stack>.json``. The stub responds at once, so that the figures cover Septet and
its servers without a model. Other load on the machine changes latency, but hardly CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from septet_cli.client import Client, connect
from septet_cli.embedded import running
from septet_cli.stub.server import StubOptions, serve_stub
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from benchmarks.capacity import workload
from benchmarks.capacity.meter import Meter

RESULTS = Path(__file__).parent / "results"
NEW = {"cache": {"use": "bypass"}}
WARM_UP, ROUNDS, ROUND = 40, 3, 40


@dataclass
class Subject:
    """A running stack and its results."""

    name: str
    stack: Stack
    client: Client
    meter: Meter
    alone: list[float] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)


async def main(names: list[str], documents: int, requests: int) -> None:
    """Measure the stacks and write the results."""
    async with AsyncExitStack() as exits:
        subjects = [await _start(name, exits) for name in names]
        found = workload.documents(documents)
        asked = workload.questions(found)
        for subject in subjects:
            await _ingest(subject, found)
            await workload.ask_all(subject.client, asked[:WARM_UP], 8, **NEW)
        # Ask no question twice, because services cache embeddings.
        batches = iter(asked[WARM_UP:])
        for _ in range(ROUNDS):
            part = list(islice(batches, ROUND))
            for subject in subjects:
                subject.alone += (await workload.ask_all(subject.client, part, 1, **NEW)).latencies
        load = list(islice(batches, requests))
        for subject in subjects:
            await _load(subject, load)
            _write(subject)


async def _start(name: str, exits: AsyncExitStack) -> Subject:
    stub = await exits.enter_async_context(serve_stub(StubOptions()))
    folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix=f"septet-capacity-{name}-")))
    # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
    folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
    ports = {f: 0 for f in StackSettings.model_fields if f.endswith("_port")}
    settings = StackSettings.model_validate(
        {"stack": name, "data_dir": folder, "llm_url": stub, "llm_model": "stub", **ports}
    )
    stack = await exits.enter_async_context(running(settings, SERVICES, _print_ready))
    assert stack.addresses is not None
    client = await exits.enter_async_context(connect(stack.addresses.connection()))
    return Subject(name, stack, client, Meter(stack))


async def _ingest(subject: Subject, found: list[Any]) -> None:
    before = await subject.meter.read()
    assert subject.stack.addresses is not None
    passages = await workload.ingest(subject.stack.addresses.connection(), found)
    cost = await subject.meter.cost(before, len(found))
    subject.results["ingest"] = {"passages": passages, **asdict(cost)}


async def _load(subject: Subject, asked: list[str]) -> None:
    meter, client = subject.meter, subject.client
    idle = await meter.idle(10)
    before = await meter.read()
    full = await workload.ask_all(client, asked, 16, **NEW)
    results = subject.results
    results["full_path"] = full.figures() | asdict(await meter.cost(before, len(asked), idle))
    filled = await workload.ask_all(client, sorted(set(asked)), 16)
    again = await workload.ask_all(client, sorted(set(asked)), 16)
    known = (again.hits * (len(asked) // max(1, len(again.hits)) + 1))[: len(asked)]
    if known:
        before = await meter.read()
        hits = await workload.ask_all(client, known, 16)
        results["cache_hit"] = hits.figures() | asdict(await meter.cost(before, len(known), idle))
    assert subject.stack.addresses is not None
    before = await meter.read()
    await workload.thumbs_up(client, subject.stack.addresses.connection(), filled.request_ids)
    results["feedback"] = asdict(await meter.cost(before, len(filled.request_ids), idle))
    results["idle_cpu_ms_per_s"] = {n: round(c * 1000, 2) for n, c in sorted(idle.items())}
    results["memory_mb"] = meter.memory()


def _write(subject: Subject) -> None:
    alone = workload.Outcome(latencies=subject.alone).figures()
    found = {
        "stack": subject.name,
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "python": platform.python_version(),
        },
        "one_at_a_time": {
            "requests": len(subject.alone),
            "p50_ms": alone["p50_ms"],
            "p99_ms": alone["p99_ms"],
        },
        **subject.results,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{subject.name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"{path}: {json.dumps(found['one_at_a_time'])}")


def _print_ready(name: str, state: str) -> None:
    if state == "ready":
        print(f"{name}: ready", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stacks", nargs="+", choices=["embedded", "native"])
    parser.add_argument("--documents", type=int, default=250)
    parser.add_argument("--requests", type=int, default=600)
    options = parser.parse_args()
    asyncio.run(main(options.stacks, options.documents, options.requests))

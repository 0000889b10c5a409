"""What an evaluation run costs live traffic: 1,000 cases beside 5 requests a second.

``python -m benchmarks.evals.beside_traffic`` starts an embedded stack with a stub model of 150 ms and sends open-loop live
traffic that bypasses the cache. Phases with the run and without it alternate. In a phase with the run, the command line
starts or resumes it; at the end of the phase Ctrl-C stops it. The time of the run is the sum of its phases. It writes
``results/beside_traffic.json``. Requirements: all cases in 5 minutes, and a p99 of live traffic of less than 4/3.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from septet_cli.bench.metrics import percentile
from septet_cli.client import Client, connect, new_request_id
from septet_cli.embedded import running
from septet_cli.stub.server import StubOptions, serve_stub
from septet_experiments.runs import RunFolder
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings

from benchmarks.capacity import workload

RESULT = Path(__file__).parent / "results" / "beside_traffic.json"
MODEL_MS, LIVE_RATE, DOCUMENTS = 150, 5.0, 40
PHASE_S, WARM_UP_S, TIMEOUT_S = 60.0, 15.0, 60.0
LIMIT_S, LIMIT_RATIO = 300.0, 4 / 3


@dataclass
class Times:
    """Latencies of live requests in milliseconds, by whether the run was in work, and what the run did."""

    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    run_s: float = 0.0
    phases: int = 0


@dataclass(frozen=True)
class Run:
    """The run as the command line starts and resumes it."""

    suite: Path
    data: Path
    kafka: str

    def folder(self) -> RunFolder | None:
        """The run's folder; None before it began."""
        found = list((self.data / "evals" / "runs").glob("*"))
        return RunFolder(found[0]) if found else None

    def is_finished(self) -> bool:
        folder = self.folder()
        return folder is not None and folder.info().finished_at is not None

    async def start(self) -> asyncio.subprocess.Process:
        folder = self.folder()
        what = [str(self.suite)] if folder is None else ["--resume", folder.path.name]
        env = {**os.environ, "SEPTET_DATA_DIR": str(self.data), "SEPTET_KAFKA_BOOTSTRAP": self.kafka}
        command = (sys.executable, "-m", "septet_cli", "eval", "run", *what)
        return await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.DEVNULL)


async def main(cases: int, phase_s: float) -> None:
    """Measure and write the result."""
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="septet-evals-")))
        # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
        folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
        stub = await exits.enter_async_context(serve_stub(StubOptions(latency_ms=MODEL_MS)))
        ports = {f: 0 for f in StackSettings.model_fields if f.endswith("_port")}
        chosen = {"stack": "embedded", "data_dir": folder / "stack", "llm_url": stub, "llm_model": "stub"}
        settings = StackSettings.model_validate({**chosen, **ports})
        stack = await exits.enter_async_context(running(settings, SERVICES, lambda *_: None))
        assert stack.addresses is not None
        kafka = stack.addresses.connection()
        client = await exits.enter_async_context(connect(kafka))
        found = workload.documents(DOCUMENTS)
        await workload.ingest(kafka, found)
        asked = workload.questions(found)
        run = Run(_suite(folder / "suite", asked, cases), folder / "data", stack.addresses.kafka)
        times = await _measure(client, asked, run, phase_s)
        samples = (run.folder() or RunFolder(folder)).samples()
    _write(times, cases, errors=sum(s.error is not None for s in samples), samples=len(samples))


def _suite(folder: Path, asked: Sequence[str], cases: int) -> Path:
    folder.mkdir()
    (folder / "suite.yaml").write_text("name: beside\ncases: [cases.jsonl]\nmetrics: [groundedness]\n")
    rows = ({"id": f"c{n}", "question": asked[n % len(asked)]} for n in range(cases))
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


async def _measure(client: Client, asked: Sequence[str], run: Run, phase_s: float) -> Times:
    """Alternate phases until the run is finished; the last phase is one without it."""
    times, randomness = Times(), random.Random(1)
    await _live(client, asked, randomness, WARM_UP_S, asyncio.Event(), [])
    while not run.is_finished():
        await _live(client, asked, randomness, phase_s, asyncio.Event(), times.without)
        began, ended = time.monotonic(), asyncio.Event()
        child = await run.start()
        waiting = asyncio.create_task(_until_exit(child, ended))
        await _live(client, asked, randomness, phase_s, ended, times.beside)
        if not ended.is_set():
            child.send_signal(signal.SIGINT)
        await waiting
        times.run_s += time.monotonic() - began
        times.phases += 1
        print(f"{times.run_s:.0f} s of the run, {len(times.beside)} live requests beside it", flush=True)
    await _live(client, asked, randomness, phase_s, asyncio.Event(), times.without)
    return times


async def _until_exit(child: asyncio.subprocess.Process, ended: asyncio.Event) -> None:
    await child.wait()
    ended.set()


async def _live(
    client: Client,
    asked: Sequence[str],
    randomness: random.Random,
    seconds: float,
    ended: asyncio.Event,
    latencies: list[float],
) -> None:
    """Open-loop live traffic for a time, or until an event; its latencies are added."""

    async def one(question: str) -> None:
        request = {
            "request_id": new_request_id("live"),
            "question": question,
            "cache": {"use": "bypass"},
        }
        began = time.monotonic()
        await client.ask(request, TIMEOUT_S)
        latencies.append((time.monotonic() - began) * 1000)

    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        at = started
        while at < started + seconds and not ended.is_set():
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            group.create_task(one(randomness.choice(asked)))
            at += 1 / LIVE_RATE


def _write(times: Times, cases: int, *, errors: int, samples: int) -> None:
    figures: dict[str, Any] = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "cases": cases,
        "samples": samples,
        "errors": errors,
        "phases": times.phases,
        "run_s": round(times.run_s, 1),
        "live_rate": LIVE_RATE,
        "model_ms": MODEL_MS,
    }
    for name, found in (("without", times.without), ("beside", times.beside)):
        figures[name] = {
            "requests": len(found),
            "p50_ms": round(percentile(found, 50), 1),
            "p99_ms": round(percentile(found, 99), 1),
        }
    ratio = percentile(times.beside, 99) / percentile(times.without, 99)
    figures["p99_ratio"] = round(ratio, 3)
    figures["holds"] = times.run_s < LIMIT_S and ratio < LIMIT_RATIO and samples == cases and not errors
    print(json.dumps(figures, indent=1))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--phase-s", type=float, default=PHASE_S)
    given = parser.parse_args()
    asyncio.run(main(given.cases, given.phase_s))

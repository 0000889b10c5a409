"""``septet eval``: a run, its promotion, a gate that passes, one that fails, and a run that was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.log import connection_of
from septet_cli.stub.server import Stub
from septet_cli.traces import complete_trace
from septet_client.adapters.kafka import KafkaLog
from septet_contracts import Outcome, Release, Request, decode, topic
from septet_kit.messaging.connection import Kafka

from ..conftest import Backend

pytestmark = pytest.mark.slow

CASES = 48


@dataclass(frozen=True)
class Evaluation:
    """A suite about documents that are indexed, and the data directory of its runs."""

    suite: Path
    env: dict[str, str]

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "septet_cli", "eval", *arguments)
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=self.env)

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        """Run a command; return its exit code and its output."""
        child = await self.start(*arguments)
        shown, said = await asyncio.wait_for(child.communicate(), 240)
        return child.returncode or 0, shown.decode() + said.decode()


@pytest.fixture
async def evaluation(shop: Backend, tenants_file: Path, tmp_path: Path) -> Evaluation:
    name = uuid4().hex[:6]
    documents = [
        Document(f"eval-{name}-{n}", f"The {name} machine number {n} is painted in the colour tone{n}{name}.")
        for n in range(CASES)
    ]
    report = await publish_documents(
        shop.addresses.connection(), [upsert(d) for d in documents], "default", stall=60
    )
    assert report.complete, report.summary()
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "suite.yaml").write_text(
        f"name: e2e-{name}\ncases: [cases.jsonl]\nprimary: {{metric: citation_recall, margin: 0.2}}\n"
        "secondary: [{metric: abstention, margin: 0.2}]\nmetrics: [groundedness, latency_ms]\n"
        # The output rails of other policies replace such an answer by a quotation.
        "request: {policy: observe}\nrate: 40\nin_flight: 6\ndeadline: 45\n"
    )
    cases = [
        {
            "id": f"c{n}",
            "question": f"In which colour is the {name} machine number {n} painted?",
            "expected": "answer",
        }
        for n in range(CASES)
    ]
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    env = {
        **os.environ,
        "SEPTET_DATA_DIR": str(tmp_path / "data"),
        "SEPTET_KAFKA_BOOTSTRAP": shop.addresses.kafka,
        "SEPTET_TENANTS_FILE": str(tenants_file),
        "COLUMNS": "300",
    }
    return Evaluation(suite, env)


@pytest.fixture
async def broken_prompt(shop_model: Stub) -> AsyncIterator[Any]:
    """Makes the model ignore the passages from the call on, as after a prompt without them."""
    before = shop_model.options

    def plant() -> None:
        shop_model.options = replace(before, says="I am glad that you ask, and happy to help you.")

    yield plant
    shop_model.options = before


async def logged(kafka: Kafka, name: str, run_id: str) -> list[Any]:
    """The events of a run on a topic."""
    found, log = [], KafkaLog(connection_of(kafka))
    await log.start()
    try:
        async for record in log.search(topic(name).name, None, None):
            if run_id.encode() in record.value:
                found.append(decode(topic(name), record.value))
    finally:
        await log.close()
    return found


async def test_a_gate_passes_the_same_version_and_fails_a_broken_prompt(
    shop: Backend, evaluation: Evaluation, broken_prompt: Any, tmp_path: Path
) -> None:
    suite = str(evaluation.suite)
    code, shown = await evaluation("run", suite)
    assert code == 0, shown
    assert "errors: none" in shown
    run_id = next(word for word in shown.split() if word.startswith("e2e-")).rstrip(":")
    code, shown = await evaluation("promote", "latest")
    assert (code, run_id in shown) == (0, True), shown

    code, shown = await evaluation("gate", suite)
    assert (code, shown.count("PASS") > 0) == (0, True), shown

    broken_prompt()
    junit, html = tmp_path / "gate.xml", tmp_path / "gate.html"
    code, shown = await evaluation("gate", suite, "--junit", str(junit), "--html", str(html))
    assert (code, "FAIL" in shown) == (1, True), shown
    assert ElementTree.parse(junit).getroot().findall(".//failure")
    assert b"c0" in html.read_bytes()

    kafka = shop.addresses.connection()
    outcomes: list[Outcome] = await logged(kafka, "outcomes", run_id)
    assert len(outcomes) == CASES
    assert {o.cache.status for o in outcomes if o.cache} == {"bypass"}
    releases: list[Release] = await logged(kafka, "releases", run_id)
    assert len(releases) == CASES
    assert {(r.admissible, r.admission_reason) for r in releases} == {
        (False, "the request belongs to an evaluation run")
    }
    trace = await complete_trace(shop.addresses.traces_url, releases[0].trace_id or "")
    assert trace is not None
    named = [s["operationName"] for s in trace["spans"] if _tag(s, "septet.evaluation.run") == run_id]
    assert {"request", "process septet.screened.v1", "process septet.outcomes.v1"} <= set(named)


def _tag(span: dict[str, Any], name: str) -> Any:
    return next((tag["value"] for tag in span["tags"] if tag["key"] == name), None)


def most_samples(runs: Path) -> int:
    """Number of samples of the run that has most of them."""
    return max((len(path.read_bytes().splitlines()) for path in runs.glob("*/samples.jsonl")), default=0)


async def until_sampled(runs: Path, count: int) -> None:
    """Wait until a run has so many samples on disk."""
    for _ in range(1800):
        if most_samples(runs) >= count:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the run wrote too few samples in 90 s")


async def test_a_killed_run_resumes_without_repeating_cases(shop: Backend, evaluation: Evaluation) -> None:
    child = await evaluation.start("run", str(evaluation.suite), "--rate", "12")
    runs = Path(evaluation.env["SEPTET_DATA_DIR"]) / "evals" / "runs"
    await until_sampled(runs, 8)
    child.send_signal(signal.SIGKILL)
    await child.communicate()
    [folder] = list(runs.iterdir())
    before = len((folder / "samples.jsonl").read_bytes().splitlines())
    assert before < CASES

    code, shown = await evaluation("run", "--resume", folder.name)
    assert code == 0, shown
    assert f"{CASES} samples" in shown
    requests: list[Request] = await logged(shop.addresses.connection(), "requests", folder.name)
    assert Counter(r.evaluation.case for r in requests if r.evaluation) == Counter(
        f"c{n}" for n in range(CASES)
    )
    assert {r.evaluation.run for r in requests if r.evaluation} == {folder.name}

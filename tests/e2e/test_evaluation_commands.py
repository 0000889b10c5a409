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
from septet_experiments.suites import read_cases
from septet_kit.messaging.connection import Kafka

from ..conftest import Backend

pytestmark = pytest.mark.slow

CASES = 48


@dataclass(frozen=True)
class Evaluation:
    """A suite about documents that are indexed, and the data directory of its runs."""

    suite: Path
    name: str
    env: dict[str, str]

    def runs(self) -> list[Path]:
        """The folders of the suite's runs."""
        return list((Path(self.env["SEPTET_DATA_DIR"]) / "evals" / "runs").glob(f"{self.name}-*"))

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
        # The output rails of other policies replace a broken answer by a quotation.
        "request: {policy: bare}\nrate: 40\nin_flight: 6\ndeadline: 45\n"
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
        "SEPTET_DATA_DIR": shop.addresses.data_dir,
        "SEPTET_TENANTS_FILE": str(tenants_file),
        "COLUMNS": "300",
    }
    return Evaluation(suite, f"e2e-{name}", env)


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
    code, shown = await evaluation("promote", run_id)
    assert (code, run_id in shown) == (0, True), shown

    code, shown = await evaluation("gate", suite)
    assert (code, shown.count("PASS") > 0) == (0, True), shown

    baseline, report = (
        next(path for path in evaluation.runs() if path.name == run_id),
        tmp_path / "gate.json",
    )
    options = ("--samples", "2", "--retrieval", "8/dense", "--set", "retrieval.fusion=rrf")
    code, shown = await evaluation("gate", suite, "--against", str(baseline), *options, "--json", str(report))
    assert code in (0, 1, 2), shown
    candidate = json.loads(report.read_bytes())["candidate"]
    assert (candidate["draws"], candidate["overrides"]) == (
        2,
        {"retrieval": {"k": 8, "mode": "dense", "fusion": "rrf"}},
    )

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


@pytest.mark.embedded
async def test_cases_come_from_feedback_and_from_traffic_and_not_from_runs(
    shop: Backend, evaluation: Evaluation, tmp_path: Path
) -> None:
    feedback, traffic = tmp_path / "feedback.jsonl", tmp_path / "traffic.jsonl"
    question = json.loads((evaluation.suite / "cases.jsonl").read_bytes().splitlines()[0])["question"]
    asked = await shop.ask(f"{question} Ask bob@example.com.")
    follow = await evaluation.start(
        "cases", "from-feedback", "--to", str(feedback), "--hours", "1", "--follow"
    )
    command = (
        sys.executable,
        "-m",
        "septet_cli",
        "feedback",
        asked.request_id,
        "--correct",
        "Red; ask 010-1234-5678.",
    )
    child = await asyncio.create_subprocess_exec(*command, env=evaluation.env, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert child.returncode == 0, said.decode()
    for _ in range(400):
        if asked.request_id in (feedback.read_text("utf-8") if feedback.exists() else ""):
            break
        await asyncio.sleep(0.05)
    follow.send_signal(signal.SIGINT)
    await follow.communicate()
    case = next(c for _, c in read_cases(feedback) if c.origin.request_id == asked.request_id)
    assert case.question == f"{question} Ask <EMAIL_1>."
    assert "1234" not in case.references[0]

    (evaluation.suite / "cases.jsonl").write_text(json.dumps({"id": "c0", "question": question}))
    code, shown = await evaluation("run", str(evaluation.suite))
    assert code == 0, shown
    code, shown = await evaluation("cases", "from-traffic", "--to", str(traffic), "--hours", "1")
    assert code == 0, shown
    found = {c.origin.request_id: c.question for _, c in read_cases(traffic)}
    assert found[asked.request_id] == f"{question} Ask <EMAIL_1>."
    assert question not in found.values()


def most_samples(evaluation: Evaluation) -> int:
    """Number of samples of the run that has most of them."""
    files = [folder / "samples.jsonl" for folder in evaluation.runs()]
    return max((len(file.read_bytes().splitlines()) for file in files if file.exists()), default=0)


async def until_sampled(evaluation: Evaluation, count: int) -> None:
    """Wait until a run has so many samples on disk."""
    for _ in range(1800):
        if most_samples(evaluation) >= count:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the run wrote too few samples in 90 s")


@pytest.mark.embedded
async def test_a_killed_run_resumes_without_repeating_cases(shop: Backend, evaluation: Evaluation) -> None:
    child = await evaluation.start("run", str(evaluation.suite), "--rate", "12")
    await until_sampled(evaluation, 8)
    child.send_signal(signal.SIGKILL)
    await child.communicate()
    [folder] = evaluation.runs()
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

"""Runs of a suite on a log in memory, and the verdict and exit code of the gate between them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from septet_cli.evaluation.session import PaceOptions, begin, resume
from septet_cli.evaluation.store import RunStore
from septet_cli.main import app
from septet_client.ports import Position
from septet_contracts import Request, Score, encode
from septet_experiments.runs import RunInfo
from septet_experiments.suites import Suite
from septet_kit.tenants import SHARED_ONLY
from septet_native.errors import StackError
from typer.testing import CliRunner, Result

from tests.support.memory_log import MemoryLog, respond

CASES = 80
SUITE = """\
name: colours
cases: [cases.jsonl]
primary: {metric: token_f1, margin: 0.1}
secondary: [{metric: abstention, margin: 0.1}]
metrics: [exact_match]
"""
cli = CliRunner()
NO_REFUSAL = Score(name="refusal", value=0)


class Answers:
    """A service that gives so many wrong answers, and no answer to others."""

    def __init__(self, wrong: int = 0, failed: int = 0) -> None:
        self.wrong = wrong
        self.failed = failed

    def __call__(self, log: MemoryLog, event: Any, value: bytes, position: Position) -> None:
        assert isinstance(event, Request)
        number = int(event.query.split()[2])
        fields: dict[str, Any] = {"answer": f"number {number}", "scores": (NO_REFUSAL,)}
        if number < self.failed:
            fields = {"status": "failed", "answer": None}
        elif number >= CASES - self.wrong:
            fields["answer"] = "a colour"
        log.append("septet.responses.v2", encode(respond(event, **fields)))


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "colours"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    cases = [
        {"id": f"c{n}", "question": f"Which is {n} ?", "references": [f"number {n}"], "expected": "answer"}
        for n in range(CASES)
    ]
    cases.append({"id": "unknown", "question": "Which is 0 unknown?"})
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    return folder


def a_run(suite: Path, service: Answers | None = None, **overrides: Any) -> RunInfo:
    store, log = RunStore(suite.parent / "data"), MemoryLog(service=service or Answers())
    session = begin(store, Suite.load(suite), overrides, PaceOptions(rate=10_000.0, in_flight=32))
    return asyncio.run(session.run(log, SHARED_ONLY, lambda _: None))


def command(*arguments: str) -> Result:
    return cli.invoke(app, ["eval", *arguments], env={"COLUMNS": "400"})


@pytest.mark.slow
def test_the_same_version_passes_and_a_worse_one_fails(suite: Path, tmp_path: Path) -> None:
    first = a_run(suite)
    assert first.finished_at is not None
    assert set(first.metrics) == {"token_f1", "abstention", "exact_match"}
    assert command("promote", first.id).exit_code == 0

    a_run(suite)
    passed = command("gate", str(suite), "--run", "latest")
    assert (passed.exit_code, passed.stdout.startswith("PASS")) == (0, True), passed.output

    worse = a_run(suite, Answers(wrong=20), model="next")
    files = {name: tmp_path / f"gate.{name}" for name in ("junit", "html", "json")}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    failed = command("gate", str(suite), "--run", worse.id, *options)
    assert (failed.exit_code, failed.stdout.startswith("FAIL")) == (1, True), failed.output
    assert ElementTree.parse(files["junit"]).getroot().findall(".//failure")
    assert json.loads(files["json"].read_text())["exit_code"] == 1
    assert "c79" in files["html"].read_text(encoding="utf-8")
    assert "model=next" in command("list").output


def test_too_few_cases_are_inconclusive(suite: Path) -> None:
    lines = (suite / "cases.jsonl").read_text().split("\n")
    (suite / "cases.jsonl").write_text("\n".join(lines[:6]))
    first = a_run(suite)
    result = command("gate", str(suite), "--against", first.id, "--run", a_run(suite).id)
    assert (result.exit_code, result.stdout.startswith("INCONCLUSIVE")) == (2, True), result.output


def test_too_many_errors_are_inconclusive_and_never_scores(suite: Path) -> None:
    first, second = a_run(suite), a_run(suite, Answers(failed=5))
    folder = RunStore(suite.parent / "data").find(second.id)
    assert sorted(s.error for s in folder.samples() if s.error) == ["failed"] * 6
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "have no value" in result.stdout) == (2, True), result.output


def test_runs_of_different_cases_are_not_compared(suite: Path) -> None:
    first = a_run(suite)
    with (suite / "cases.jsonl").open("a") as file:
        file.write('\n{"id": "new", "question": "Which is 1 new?"}\n')
    result = command("gate", str(suite), "--against", first.id, "--run", a_run(suite).id)
    assert (result.exit_code, "different cases" in result.output) == (3, True), result.output
    known = len(list(RunStore(suite.parent / "data").all()))
    for arguments, code in (
        (["gate", str(suite), "--against", first.id], 3),
        (["run", str(suite), "--against", first.id], 1),
    ):
        result = command(*arguments)
        assert (result.exit_code, "different cases" in result.output) == (code, True), result.output
    assert len(list(RunStore(suite.parent / "data").all())) == known


def test_different_cases_are_reported_before_the_first_request(suite: Path) -> None:
    first = a_run(suite)
    (suite / "cases.jsonl").write_text('{"id": "new", "question": "Which is 1 new?"}\n')
    for arguments, code in ((("gate", str(suite), "--against"), 3), (("run", str(suite), "--against"), 1)):
        result = command(*arguments, first.id)
        assert (result.exit_code, "different cases" in result.output) == (code, True), result.output


def test_a_gate_refuses_runs_of_cases_that_the_suite_no_longer_has(suite: Path) -> None:
    first, second = a_run(suite), a_run(suite)
    (suite / "cases.jsonl").write_text('{"id": "new", "question": "Which is 1 new?"}\n')
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "different cases" in result.output) == (3, True), result.output


def test_a_run_is_not_compared_with_itself(suite: Path) -> None:
    first = a_run(suite)
    command("promote", "latest")
    result = command("gate", str(suite), "--run", "latest")
    assert (result.exit_code, f"{first.id} would be compared with itself" in result.output) == (3, True)


def test_a_judge_decides_only_with_a_calibration(suite: Path) -> None:
    (suite / "suite.yaml").write_text(SUITE.replace("token_f1", "judge_rubric") + "judge: {model: judge}\n")
    first, second = a_run(suite), a_run(suite)
    new = command("gate", str(suite), "--against", first.id)
    assert (new.exit_code, "no judge has read a new run" in new.output) == (3, True), new.output
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "a run is not judged" in result.output) == (3, True), result.output
    store = RunStore(suite.parent / "data")
    for folder in map(store.find, (first.id, second.id)):
        info = folder.info()
        folder.write_info(info.model_copy(update={"metrics": {**info.metrics, "judge_rubric": "rubric/1 x"}}))
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "the judge is not calibrated" in result.output) == (3, True), result.output


def test_a_metric_that_the_suite_got_later_is_computed_for_both_runs(suite: Path) -> None:
    (suite / "suite.yaml").write_text(SUITE.replace("metrics: [exact_match]", ""))
    first, second = a_run(suite), a_run(suite)
    (suite / "suite.yaml").write_text(SUITE.replace("token_f1", "exact_match"))
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "exact_match (primary)" in result.output) == (0, True), result.output


def test_a_gate_needs_a_primary_metric(suite: Path) -> None:
    first = a_run(suite)
    (suite / "suite.yaml").write_text("name: colours\ncases: [cases.jsonl]\n")
    result = command("gate", str(suite), "--against", first.id, "--run", first.id)
    assert (result.exit_code, "has no primary metric" in result.output) == (3, True), result.output


def test_a_metric_whose_model_is_missing_is_no_verdict(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise StackError("the model cannot be built", "install its wheel")

    first, second = a_run(suite), a_run(suite)
    monkeypatch.setattr("septet_cli.evaluation.metric_selection._token_vectors", missing)
    (suite / "suite.yaml").write_text(SUITE.replace("token_f1", "bertscore"))
    result = command("gate", str(suite), "--against", first.id, "--run", second.id)
    assert (result.exit_code, "the model cannot be built" in result.output) == (3, True), result.output


def test_a_finished_run_that_is_resumed_publishes_nothing(suite: Path) -> None:
    info = a_run(suite)
    log = MemoryLog(service=Answers())
    session = resume(RunStore(suite.parent / "data").find(info.id), PaceOptions())
    again = asyncio.run(session.run(log, SHARED_ONLY, lambda _: None))
    assert (log.published, again.metrics) == ([], info.metrics)


def test_a_run_is_not_resumed_as_another_tenant(suite: Path) -> None:
    result = command("run", "--resume", a_run(suite).id, "--tenant", "acme")
    assert (result.exit_code, "continues a run as it began" in result.output) == (1, True), result.output


def test_the_kept_responses_are_scored_again(suite: Path) -> None:
    a_run(suite)
    (suite / "suite.yaml").write_text(SUITE.replace("exact_match", "exact_match, latency_ms"))
    result = command("score", "latest", "--suite", str(suite), "--json")
    figures = json.loads(result.stdout)["metrics"]
    assert figures["exact_match"] == {"mean": 1.0, "values": CASES, "failures": {}}
    assert figures["latency_ms"]["mean"] is None
    assert sum(figures["latency_ms"]["failures"].values()) == CASES + 1


@pytest.mark.parametrize("name", ["exactness", "judge_exactness"])
def test_an_unknown_metric_is_reported_before_the_first_request(suite: Path, name: str) -> None:
    (suite / "suite.yaml").write_text(SUITE.replace("exact_match", name))
    result = command("run", str(suite))
    assert (result.exit_code, f"suite.yaml: unknown metric {name}" in result.output) == (1, True)
    assert list(RunStore(suite.parent / "data").all()) == []

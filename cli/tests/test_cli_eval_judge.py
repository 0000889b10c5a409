"""`septet eval judge`: a judge is calibrated and replayed, and a run is scored."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from septet_cli.evaluation.judging import undecided
from septet_cli.main import app
from septet_contracts import Response, event_id
from septet_experiments.cases import Case
from septet_experiments.judges import Bar, CalibrationCard, CardFolder, JudgeSection
from septet_experiments.judges.estimates import Estimate
from septet_experiments.judges.measures import AnswerMeasures
from septet_experiments.runs import RunFolder, RunInfo, Sample
from typer.testing import CliRunner

runner = CliRunner()


class _Judge(BaseHTTPRequestHandler):
    """Prefers the answer that holds `right`, and rates it 5."""

    calls = 0

    def do_POST(self) -> None:
        type(self).calls += 1
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        user = body["messages"][1]["content"]
        if "[[C]]" in user:
            text = "[[A]]" if "right" in user.split("assistant B:")[0] else "[[B]]"
        else:
            text = json.dumps({"reason": "checked", "score": 5 if "right" in user else 1})
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        reply = {
            "model": "judge",
            "choices": [choice],
            "usage": {"prompt_tokens": 50, "completion_tokens": 5},
        }
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[_Judge]]:
    """A judge's endpoint, in the settings of the command."""
    _Judge.calls = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Judge)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("SEPTET_JUDGE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("SEPTET_JUDGE_MODEL", "judge")
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "data"))
    yield _Judge
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    rows = [
        {
            "id": n,
            "instruction": f"question {n}",
            "output_1": f"{'right' if n % 2 else 'wrong'} {n}",
            "output_2": f"{'wrong' if n % 2 else 'right'} {n}",
            "label": 1 if n % 2 else 2,
        }
        for n in range(30)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def invoke(*arguments: object) -> str:
    done = runner.invoke(app, ["eval", "judge", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_a_judge_is_calibrated_and_replayed_without_a_model(
    judge: type[_Judge], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("calibrate", pairs, "--record", tmp_path / "judgments")
    assert judge.calls == 60
    monkeypatch.delenv("SEPTET_JUDGE_URL")
    shown = invoke("calibrate", pairs, "--replay", tmp_path / "judgments")
    assert judge.calls == 60
    assert "1.000" in shown
    assert "\ndecides" in shown
    assert "\ndecides" in invoke("show")
    (card,) = json.loads(invoke("show", "--json"))
    assert card["pairs"]["kappa"]["value"] == 1.0


@pytest.mark.slow
def test_replay_of_other_data_names_what_is_missing(judge: type[_Judge], pairs: Path, tmp_path: Path) -> None:
    done = runner.invoke(app, ["eval", "judge", "calibrate", str(pairs), "--replay", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "60 of 60 replies are missing" in done.output
    assert judge.calls == 0


def run_folder(path: Path) -> RunFolder:
    folder = RunFolder(path)
    now = datetime.now(UTC)
    folder.write_info(
        RunInfo(
            id="run-1",
            suite="s",
            suite_digest="0",
            dataset_digest="0",
            started_at=now,
            metrics={"length": "1"},
        )
    )
    folder.write_cases([Case(id=name, question=f"question {name}") for name in ("a", "b", "c")])

    def sample(name: str, answer: str) -> Sample:
        response = Response(
            request_id=name,
            event_id=event_id("default", name, Response.STEP),
            occurred_at=now,
            status="answered",
            answer=answer,
            model="small",
        )
        return Sample(case_id=name, request_id=name, response=response, values={"length": 1.0})

    folder.write_samples(
        [sample("a", "right"), sample("b", "wrong"), Sample(case_id="c", error="no_response")]
    )
    return folder


def test_a_run_is_scored_and_keeps_its_other_values(judge: type[_Judge], tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "suite.yaml").write_text("name: s\njudge: {model: judge, weighting: samples, samples: 1}\n")
    folder = run_folder(tmp_path / "run-1")
    arguments = ("score", folder.path, suite, "--metric", "judge_rubric")
    replayed = invoke(*arguments, "--replay", tmp_path / "judgments")
    assert "without a value: 2 x no recorded reply" in replayed
    assert "--record" in replayed
    assert judge.calls == 0
    shown = invoke(*arguments, "--record", tmp_path / "judgments")
    assert "judge_rubric  mean 0.500  n 2  does not decide: the judge is not calibrated" in shown
    assert [s.values for s in folder.samples()] == [
        {"length": 1.0, "judge_rubric": 1.0},
        {"length": 1.0, "judge_rubric": 0.0},
        {},
    ]
    assert "no usable response" in folder.samples()[2].failures["judge_rubric"]
    assert "weighting=samples:1" in folder.info().metrics["judge_rubric"]
    assert judge.calls == 2


def test_a_gate_decides_only_by_judges_of_both_runs_that_are_calibrated(
    judge: type[_Judge], tmp_path: Path
) -> None:
    section, cards = (
        JudgeSection(model="judge", weighting="samples", samples=1),
        CardFolder(tmp_path / "cards"),
    )
    one, other = run_folder(tmp_path / "one"), run_folder(tmp_path / "other")
    names = ("length", "judge_rubric")
    assert "not judged" in undecided([one, other], names, section, cards)["judge_rubric"]
    signature = section.protocol("judge_rubric").signature
    for folder in (one, other):
        folder.write_info(folder.info().model_copy(update={"metrics": {"judge_rubric": signature}}))
    assert undecided([one, other], names, section, cards) == {"judge_rubric": "the judge is not calibrated"}
    certain = Estimate(value=0.9, low=0.85, high=0.95, n=100)
    cards.write(
        CalibrationCard(
            judge="judge",
            protocol="rubric",
            signature=signature,
            data="d",
            data_digest="0",
            seed=1,
            measured_at=datetime.now(UTC),
            answers=AnswerMeasures(answers=100, unparsed=0, accuracy=certain, kappa=certain),
        )
    )
    assert undecided([one, other], names, section, cards) == {}
    strict = section.model_copy(update={"bar": Bar(kappa=0.9)})
    assert "begins below 0.9" in undecided([one, other], names, strict, cards)["judge_rubric"]
    other.write_info(other.info().model_copy(update={"metrics": {"judge_rubric": "rubric/1 another"}}))
    assert "different judges" in undecided([one, other], names, section, cards)["judge_rubric"]


@pytest.mark.slow
def test_a_comparison_shows_the_win_rate_at_equal_length(judge: type[_Judge], tmp_path: Path) -> None:
    def answers(name: str, text: str) -> RunFolder:
        folder = RunFolder(tmp_path / name)
        now = datetime.now(UTC)
        folder.write_info(RunInfo(id=name, suite="s", suite_digest="0", dataset_digest="0", started_at=now))
        cases = [Case(id=f"c{n}", question=f"question {n}") for n in range(24)]
        folder.write_cases(cases)
        samples = []
        for n, case in enumerate(cases):
            response = Response(
                request_id=f"{name}-{n}",
                event_id=event_id("default", f"{name}-{n}", Response.STEP),
                occurred_at=now,
                status="answered",
                answer=text + " more" * (n % 5),
                model="small",
            )
            samples.append(Sample(case_id=case.id, request_id=f"{name}-{n}", response=response))
        folder.write_samples(samples)
        return folder

    (tmp_path / "suite.yaml").write_text("name: s\njudge: {model: judge}\n")
    candidate, baseline = answers("candidate", "right"), answers("baseline", "wrong")
    options = ("--metric", "judge_pairwise", "--against", baseline.path, "--record", tmp_path / "judgments")
    shown = invoke("score", candidate.path, tmp_path, *options)
    assert "win rate 1.000 [1.000, 1.000] n=24" in shown
    assert "at equal length 1.000" in shown


@pytest.mark.parametrize("given", [(), ("--record", "a", "--replay", "b")])
def test_replies_are_either_recorded_or_replayed(given: tuple[str, ...], pairs: Path) -> None:
    done = runner.invoke(app, ["eval", "judge", "calibrate", str(pairs), *given])
    assert done.exit_code == 1
    assert "either --record or --replay" in done.output


@pytest.mark.parametrize("body", ["name: s\n", "judge: {model: m, url: http://x}\n", "judge: {low: 3}\n"])
def test_a_suite_without_a_valid_judge_is_refused(body: str, tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(body)
    done = runner.invoke(app, ["eval", "judge", "show", "--suite", str(tmp_path)])
    assert done.exit_code == 1
    assert "judge" in done.output


def test_a_run_is_named_as_in_the_other_commands(
    judge: type[_Judge], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    run_folder(tmp_path / "evals" / "runs" / "run-1")
    (tmp_path / "suite.yaml").write_text("name: s\njudge: {model: judge, weighting: samples, samples: 1}\n")
    arguments = (tmp_path, "--metric", "judge_rubric", "--replay", tmp_path / "judgments")
    for reference in ("latest", "run-"):
        assert "without a value" in invoke("score", reference, *arguments)

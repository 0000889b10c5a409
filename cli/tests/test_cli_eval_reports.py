"""``septet eval show``, ``compare`` and ``convert``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from septet_cli.main import app
from septet_experiments.cases import Case
from septet_experiments.runs import RunFolder
from typer.testing import CliRunner

from tests.support.report_runs import CASES, response, sample, two_runs, write_run

runner = CliRunner()


def invoke(*arguments: str, code: int = 0) -> str:
    """Run the command; returns its output."""
    result = runner.invoke(app, ["eval", *arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RunFolder, RunFolder]:
    """Two runs in the data directory."""
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("septet_cli.console.out.width", 200, raising=False)
    return two_runs(tmp_path / "evals" / "runs")


def test_show_has_values_errors_and_the_worst_case_first(runs: tuple[RunFolder, RunFolder]) -> None:
    shown = invoke("show", "cand")
    assert "4 samples of 4 cases: 3 answered, 1 no_response" in shown
    assert "variant: model=other" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["f1", "0.433", "3", "1", "f1/1"] in lines
    assert shown.index("Who approves leave?") < shown.index("휴가는 며칠인가요?")
    assert "citations: flag" in shown
    report = json.loads(invoke("show", "cand", "--json"))
    assert [case["case_id"] for case in report["cases"]] == ["lost", "휴가", "hostile", "leave"]
    assert report["errors"][0]["reason"] == "no_response"


def test_a_metric_that_the_run_lacks_is_computed_from_its_responses(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    assert "exact_match" in invoke("show", "cand", "--metric", "exact_match")
    assert "exact_match" in runs[1].info().metrics
    assert "no metric quality" in invoke("show", "cand", "--metric", "quality", code=1)


def test_compare_shows_the_verdict_and_exits_with_0() -> None:
    shown = invoke("compare", "base", "cand", "--metric", "f1=0.02")
    assert shown.startswith("INCONCLUSIVE")
    assert "3 of 4 cases became worse; the worst 3" in shown
    assert "lost" in shown
    assert "−0.800" in shown


def test_compare_writes_each_form(tmp_path: Path) -> None:
    found = json.loads(invoke("compare", "base", "cand", "--format", "json"))
    assert (found["metrics"][0]["metric"], found["metrics"][0]["n"], found["exit_code"]) == ("f1", 3, 2)
    root = ElementTree.fromstring(invoke("compare", "base", "cand", "--format", "junit"))
    assert root.attrib["tests"] == "4"
    page = tmp_path / "reports" / "page.html"
    url = "http://localhost:16686/trace/{trace_id}"
    shown = invoke("compare", "base", "cand", "--format", "html", "--output", str(page), "--trace-url", url)
    assert shown.startswith(f"INCONCLUSIVE: {page}")
    assert f"http://localhost:16686/trace/{'b' * 32}" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "base", "none"], "There is no run 'none'"),
        (["compare", "base", "cand", "--metric", "f1=much"], "the margin is no number"),
        (["compare", "base", "cand", "--output", "x.txt"], "A table is printed only"),
        (["compare", "base", "cand", "--format", "html", "--trace-url", "x"], "not the address of a trace"),
        (["convert", "x", "y", "--from", "mmlu", "--to", "helm"], "no conversion from mmlu to helm"),
        (["convert", "x.csv", "y", "--from", "mmlu", "--to", "cases"], "x.csv: No such file"),
        (["convert", "cand", "y", "--from", "run", "--to", "alpaca-annotations"], "need a baseline and a metric"),
        (["convert", "x", "y", "--from", "mmlu", "--to", "cases", "--scoring", "loglikelihood"], "chat completions do not return"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_reported_with_a_fix(arguments: list[str], message: str) -> None:
    shown = " ".join(invoke(*arguments, code=1).split())
    assert message in shown
    assert "fix:" in shown


def test_runs_of_other_cases_are_not_compared(tmp_path: Path) -> None:
    cases = [Case(id="leave", question="Another question?")]
    write_run(tmp_path / "evals" / "runs" / "other", cases, [sample("leave", "x", {"f1": 1.0})])
    assert "different cases" in invoke("compare", "base", "other", code=1)


def test_lower_is_better_for_latency(tmp_path: Path) -> None:
    folder = tmp_path / "evals" / "runs"
    for name, value in (("quick", 100.0), ("slow", 300.0)):
        samples = [sample(case.id, "x", {"latency_ms": value}) for case in CASES]
        write_run(folder / name, CASES, samples, metrics={"latency_ms": "latency_ms/1"})
    found = json.loads(invoke("compare", "quick", "slow", "--format", "json"))
    (metric,) = found["metrics"]
    assert (metric["difference"], metric["higher_is_better"], metric["margin"]) == (-200.0, False, 5.0)
    assert found["cases"][0]["differences"] == {"latency_ms": -200.0}


def test_mmlu_becomes_cases_of_a_suite(tmp_path: Path) -> None:
    (tmp_path / "logic_test.csv").write_text("Which?,x,y,B\n", encoding="utf-8")
    target = tmp_path / "suite" / "cases.jsonl"
    shown = invoke(
        "convert", str(tmp_path / "logic_test.csv"), str(target), "--from", "mmlu", "--to", "cases"
    )
    assert shown.strip() == f"{target}: 1 cases"
    case = Case.model_validate_json(target.read_text("utf-8"))
    assert (case.choices, case.answer_index, case.slices) == (("x", "y"), 1, {"subject": "logic"})
    shown = invoke(
        "convert",
        str(target),
        str(tmp_path / "task"),
        "--from",
        "cases",
        "--to",
        "lm-eval",
        "--name",
        "logic",
    )
    assert "1 documents of the task logic; 0 cases" in shown
    back = tmp_path / "back.jsonl"
    invoke("convert", str(tmp_path / "task" / "logic.yaml"), str(back), "--from", "lm-eval", "--to", "cases")
    assert Case.model_validate_json(back.read_text("utf-8")).references == ("B",)


def test_another_systems_outputs_are_compared_with_a_run(tmp_path: Path) -> None:
    outputs = tmp_path / "davinci.json"
    outputs.write_text(
        json.dumps([{"instruction": "Name a colour.", "output": "Blue.", "generator": "davinci"}])
    )
    invoke("convert", str(outputs), str(tmp_path / "cases.jsonl"), "--from", "alpaca-eval", "--to", "cases")
    invoke("convert", str(outputs), str(tmp_path / "davinci"), "--from", "alpaca-eval", "--to", "run")
    (case,) = RunFolder(tmp_path / "davinci").cases()
    assert Case.model_validate_json((tmp_path / "cases.jsonl").read_text("utf-8")) == case
    write_run(
        tmp_path / "evals" / "runs" / "own", [case], [sample(case.id, "Red and green.", {})], metrics={}
    )
    arguments = (
        "compare",
        str(tmp_path / "davinci"),
        "own",
        "--metric",
        "tokens",
        "--format",
        "json",
    )
    assert json.loads(invoke(*arguments))["metrics"][0]["n"] == 1


def test_a_run_is_exported_to_other_tools(tmp_path: Path) -> None:
    assert "4 samples" in invoke("convert", "cand", str(tmp_path / "helm"), "--from", "run", "--to", "helm")
    target = tmp_path / "outputs.json"
    assert "4 outputs; 1 are empty" in invoke(
        "convert", "cand", str(target), "--from", "run", "--to", "alpaca-eval"
    )
    assert json.loads(target.read_text("utf-8"))[0]["generator"] == "cand"
    options = ("--from", "run", "--to", "alpaca-annotations", "--against", "base", "--metric", "f1")
    preferences = tmp_path / "preferences.json"
    assert "4 annotations; 1 have no preference" in invoke("convert", "cand", str(preferences), *options)
    pairs = tmp_path / "pairs.jsonl"
    shown = invoke(
        "convert", str(preferences), str(pairs), "--from", "alpaca-annotations", "--to", "labelled"
    )
    assert "3 labelled pairs; 1 annotations have no verdict" in shown


def test_hostile_text_is_no_markup_of_the_terminal(tmp_path: Path) -> None:
    hostile = "[red]x[/] [link=javascript:alert(1)]y[/link]"
    cases = [Case(id="h", question=hostile)]
    write_run(tmp_path / "evals" / "runs" / "hostile", cases, [sample("h", hostile, {"f1": 0.0})])
    assert hostile in invoke("show", "hostile")
    assert response("r", "x").answer == "x"

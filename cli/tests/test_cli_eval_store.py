"""Runs on disk, overrides, and the scaffold of a suite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from septet_cli.errors import CliError
from septet_cli.evaluation.overrides import overrides_of
from septet_cli.evaluation.scaffold import write_suite
from septet_cli.evaluation.session import PaceOptions, begin, resume
from septet_cli.evaluation.store import RunStore
from septet_cli.main import app
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.runs import RunInfo, Sample
from septet_experiments.suites import Suite
from typer.testing import CliRunner

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
cli = CliRunner()


def add(
    store: RunStore, run_id: str, minutes: int = 0, suite: str = "s", *, sampled: bool = True, **fields: Any
) -> RunInfo:
    info = RunInfo(
        id=run_id,
        suite=suite,
        suite_digest="d",
        dataset_digest="d",
        started_at=NOW + timedelta(minutes=minutes),
        cases=1,
        **{"finished_at": NOW, **fields},
    )
    _, folder = store.new(suite, NOW)
    folder = type(folder)(folder.path.parent / run_id)
    folder.write_info(info)
    if sampled:
        folder.append(Sample(case_id="c"))
    return info


def test_a_run_is_found_by_its_id_by_its_beginning_and_as_the_latest(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for number, name in enumerate(("s-1a", "s-1b", "s-1")):
        add(store, name, number)
    add(store, "t-9", 9, "t")
    (tmp_path / "evals" / "runs" / "damaged").mkdir()
    assert [info.id for _, info in store.all()] == ["t-9", "s-1", "s-1b", "s-1a"]
    assert store.find("s-1b").path.name == "s-1b"
    assert store.find("s-1").path.name == "s-1"
    assert store.find("t").path.name == "t-9"
    add(store, "t-10", 10, "t", sampled=False)
    assert store.find("latest").path.name == "t-9"
    assert store.find("latest", "s").path.name == "s-1"
    assert store.find(str(tmp_path / "evals" / "runs" / "s-1a")).info().id == "s-1a"
    for wrong, message in (("s-", "3 runs begin"), ("x", "no run 'x'"), ("./x", "no run")):
        with pytest.raises(CliError, match=message):
            store.find(wrong)


def test_the_baseline_is_a_pointer_that_promotion_moves(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with pytest.raises(CliError, match="has no baseline") as caught:
        store.find("baseline", "s")
    assert "septet eval promote" in caught.value.fix
    assert store.promote(add(store, "s-1")) is None
    assert store.promote(add(store, "s-2")) == "s-1"
    assert store.find("baseline", "s").path.name == "s-2"
    assert (tmp_path / "evals" / "baselines" / "s").read_text() == "s-2\n"


def test_options_become_overrides() -> None:
    made = overrides_of(
        model="next", policy="strict", retrieval="8/dense", fields=["retrieval.fusion=rrf", "generate=false"]
    )
    assert made == {
        "model": "next",
        "policy": "strict",
        "retrieval": {"k": 8, "mode": "dense", "fusion": "rrf"},
        "generate": False,
    }
    assert overrides_of(retrieval="lexical") == {"retrieval": {"mode": "lexical"}}
    for options in ({"retrieval": "8/deep"}, {"fields": ["policy"]}, {"model": "m", "fields": ["model.x=1"]}):
        with pytest.raises(CliError):
            overrides_of(**options)  # type: ignore[arg-type]


def test_a_new_suite_is_valid_and_is_not_overwritten(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "support", "support")
    assert len(suite.cases) == 3
    assert {case.expected for case in suite.cases} == {"answer", "abstain"}
    with pytest.raises(InvalidSuite, match="exists"):
        write_suite(tmp_path / "support", "support")
    with pytest.raises(InvalidSuite, match="no name of a suite"):
        write_suite(tmp_path / "x", "Not a name")


def test_a_run_is_resumed_with_the_suite_that_it_began_with(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "support", "support")
    store = RunStore(tmp_path)
    session = begin(store, suite, {"model": "next"}, PaceOptions(rate=50.0), draws=2)
    assert (len(session.draws), len(session.missing), session.pace.rate) == (6, 6, 50.0)
    session.folder.append(Sample(case_id=suite.cases[0].id, draw=1))
    (tmp_path / "support" / "suite.yaml").unlink()
    again = resume(session.folder, PaceOptions(in_flight=9))
    assert (len(again.draws), len(again.missing), again.pace.rate, again.pace.in_flight) == (6, 5, 5.0, 9)
    assert [d.body for d in again.draws] == [d.body for d in session.draws]
    session.folder.write_cases([Case(id="other", question="?")])
    with pytest.raises(CliError, match="differ from those"):
        resume(session.folder, PaceOptions())


def test_an_override_that_breaks_the_contract_leaves_no_run(tmp_path: Path) -> None:
    suite: Suite = write_suite(tmp_path / "support", "support")
    with pytest.raises(InvalidSuite, match=r"retrieval\.k"):
        begin(RunStore(tmp_path), suite, {"retrieval": {"k": 99}}, PaceOptions())
    assert list(RunStore(tmp_path).all()) == []


def test_the_commands_list_and_promote_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    store = RunStore(tmp_path)
    assert "There are no runs" in cli.invoke(app, ["eval", "list"]).output
    add(store, "s-1", finished_at=None)
    shown = cli.invoke(app, ["eval", "list"], env={"COLUMNS": "200"})
    assert "s-1" in shown.output
    assert "not finished" in shown.output
    refused = cli.invoke(app, ["eval", "promote", "s-1"])
    assert (refused.exit_code, "septet eval run --resume s-1" in refused.output) == (1, True)
    add(store, "s-2", 1)
    assert "baseline of s: s-2" in cli.invoke(app, ["eval", "promote", "latest"]).output
    assert "baseline" in cli.invoke(app, ["eval", "list", "s"], env={"COLUMNS": "200"}).output


def test_a_gate_that_cannot_run_has_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    write_suite(tmp_path / "support", "support")
    result = cli.invoke(app, ["eval", "gate", str(tmp_path / "support")])
    assert (result.exit_code, "has no baseline" in result.output) == (3, True)
    result = cli.invoke(app, ["eval", "gate", str(tmp_path / "none")], env={"COLUMNS": "400"})
    assert (result.exit_code, "No such file" in result.output) == (3, True)

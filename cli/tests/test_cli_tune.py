"""``septet tune``: recipes that cannot run, the plan, and printed progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from septet_cli.main import app
from septet_cli.tuning.printed_run import PrintedRun
from septet_tuning.datasets import write
from septet_tuning.rows import Demonstration, Message, Origin
from septet_tuning.runner import read_recipe
from typer.testing import CliRunner

RECIPES = sorted((Path(__file__).parents[2] / "examples" / "tuning").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))


def test_the_examples_have_valid_hyperparameters() -> None:
    pytest.importorskip("jax", reason="needs `make setup-tuning`")
    from septet_tuning.methods import METHODS

    assert [file.stem for file in RECIPES] == ["preferences", "routing"]
    for recipe in map(read_recipe, RECIPES):
        METHODS[recipe.method]().parameters.model_validate(recipe.parameters)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no recipe"),
        (["recipe.yaml", "--resume", "one"], "or there are two"),
        (["missing.yaml"], "missing.yaml"),
        (["--resume", "none"], "no such run"),
    ],
)
def test_a_call_that_cannot_run_fails_with_the_reason(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["tune", *arguments])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


def test_a_dry_run_prints_the_plan_and_creates_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jax", reason="needs `make setup-tuning`")
    messages = (Message(role="user", content="hi"), Message(role="assistant", content="yes"))
    rows = [Demonstration(id=name, origin=Origin(source="file"), messages=messages) for name in "abc"]
    write(tmp_path / "datasets", "routing", {"train": rows[:2], "held_out": rows[2:]}, kind="sft")
    result = CliRunner().invoke(app, ["tune", str(RECIPES[1]), "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "routing@1: 2 training and 1 held-out rows" in result.output
    assert "rank = 8" in result.output
    assert not (tmp_path / "tuning").exists()


def test_without_a_terminal_each_step_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = PrintedRun.create(tmp_path, read_recipe(RECIPES[1]))
    run.report(1, 2.0)
    run.report(2, 1.0, 1.5)
    assert [line.step for line in PrintedRun.open(tmp_path, run.id).progress()] == [1, 2]
    assert capsys.readouterr().err.splitlines() == [
        "step 1  loss 2.0000",
        "step 2  loss 1.0000  held-out loss 1.5000",
    ]

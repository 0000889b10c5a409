"""The folder of a tuning run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from septet_tuning.errors import TuningError
from septet_tuning.recipes import Recipe
from septet_tuning.tuning_runs import TuningRun

RECIPE = Recipe(name="polite", method="lora", data="polite@1", base="septet-small", alias="chat")


def test_a_run_is_opened_with_its_recipe_and_its_id_is_used_once(tmp_path: Path) -> None:
    run = TuningRun.create(tmp_path, RECIPE, "one")
    assert TuningRun.open(tmp_path, "one").recipe == RECIPE
    assert run.artifact_folder == tmp_path / "one" / "artifact"
    with pytest.raises(TuningError, match="the run exists"):
        TuningRun.create(tmp_path, RECIPE, "one")
    with pytest.raises(TuningError, match="no such run"):
        TuningRun.open(tmp_path, "two")


def test_a_checkpoint_is_loaded_and_removes_the_progress_of_later_steps(tmp_path: Path) -> None:
    run = TuningRun.create(tmp_path, RECIPE)
    run.report(1, 2.0)
    run.save_checkpoint(1, {"a": np.arange(3.0)}, {"best": 1.5})
    run.report(2, 1.0, 1.25)
    with (run.folder / "progress.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    (run.folder / "checkpoint" / "latest.npz.partial").write_bytes(b"torn")
    resumed = TuningRun.open(tmp_path, run.id)
    checkpoint = resumed.load_checkpoint()
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.state, list(checkpoint.arrays["a"])) == (1, {"best": 1.5}, [0, 1, 2])
    assert [line.step for line in resumed.progress()] == [1]


def test_a_run_without_a_checkpoint_starts_from_the_first_step(tmp_path: Path) -> None:
    run = TuningRun.create(tmp_path, RECIPE)
    run.report(1, 2.0)
    assert run.load_checkpoint() is None
    assert run.progress() == []


@pytest.mark.parametrize(("loss", "held_out"), [(float("nan"), None), (1.0, float("inf"))])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path, loss: float, held_out: float | None) -> None:
    with pytest.raises(TuningError, match="the loss is"):
        TuningRun.create(tmp_path, RECIPE).report(1, loss, held_out)

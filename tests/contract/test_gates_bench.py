"""The simulation of gates: its results keep their limits, and docs/explanation/gates.md shows them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.evals import gates, gates_charts, gates_tables, worlds

ROOT = Path(__file__).parents[2]
RESULTS = json.loads(gates.RESULT.read_text("utf-8"))
PAGE = (ROOT / "docs" / "explanation" / "gates.md").read_text("utf-8")
CHARTS = gates_charts.files(RESULTS)


def test_an_unchanged_candidate_fails_in_at_most_six_percent_of_runs() -> None:
    assert (RESULTS["runs"], RESULTS["runs of unchanged"]) == (2_000, 10_000)
    rates = {name: row["fails, gate"] for name, row in {**RESULTS["unchanged"], **RESULTS["groups"]}.items()}
    assert list(RESULTS["unchanged"]) == [world.name for world in gates.WORLDS]
    assert {name: rate for name, rate in rates.items() if rate > 0.06} == {}
    assert max(row["fails unchanged"] for row in RESULTS["exact"].values()) <= 0.06


def test_simple_rules_fail_more_often() -> None:
    for name, row in RESULTS["unchanged"].items():
        assert row["fails, any drop"] > 0.25, name
    turns = RESULTS["unchanged"][worlds.turns(40).name]
    assert turns["fails, naive"] > 0.1
    assert turns["covered by 95%, naive"] < 0.85
    assert turns["covered by 95%, gate"] == pytest.approx(0.95, abs=0.015)


def test_a_loss_by_the_margin_passes_rarely() -> None:
    for name, row in RESULTS["unchanged"].items():
        assert row["passes a loss by the margin, gate"] <= 0.06, name
    assert max(row["passes a loss"] for row in RESULTS["exact"].values()) <= 0.06


def test_a_loss_of_five_points_is_detected_with_400_cases() -> None:
    detected = {loss: share for loss, share, _ in RESULTS["detection"]["400"]}
    assert detected[0.05] >= 0.9


def test_detectable_losses_are_those_of_earlier_simulations_and_are_detected() -> None:
    for n, row in RESULTS["detectable"].items():
        assert row["mde"] == pytest.approx(gates.RESEARCHED[int(n)], abs=0.001)
        assert row["detected"] == pytest.approx(0.8, abs=0.06), n


def test_ten_looks_keep_the_error_probability() -> None:
    looks = RESULTS["looks"]
    assert max(looks["pocock"]["fails unchanged"], looks["obrien-fleming"]["fails unchanged"]) <= 0.06
    assert looks["5% at each look"]["fails unchanged"] > 0.1


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.name)
def test_charts_are_current_and_shown(path: Path) -> None:
    assert path.read_text("utf-8") == CHARTS[path], "run `python -m benchmarks.evals.gates --charts`"
    assert ElementTree.fromstring(CHARTS[path]).tag.endswith("svg")
    assert f"]({path.name})" in PAGE


def test_tables_are_current() -> None:
    assert gates_tables.replaced(PAGE, RESULTS) == PAGE, "run `python -m benchmarks.evals.gates_tables`"


@pytest.mark.slow
def test_a_small_simulation_runs_and_repeats_itself() -> None:
    found = gates.measure(8)
    assert found.keys() <= RESULTS.keys()
    assert {name: list(row) for name, row in found["unchanged"].items()} == {
        name: list(row) for name, row in RESULTS["unchanged"].items()
    }
    world = worlds.turns(20)
    assert gates.unchanged(world, 8) == gates.unchanged(world, 8)
    assert ElementTree.fromstring(gates_charts.detection(found)).tag.endswith("svg")

"""The simulation of a canary's stop rule: its results keep their limits, and docs/explanation/gates.md shows them."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.evals import stopping

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "gates.md").read_text("utf-8")
RESULTS = json.loads(stopping.RESULT.read_text("utf-8"))
CANDIDATES = RESULTS["candidates"]


def test_the_results_are_those_of_the_present_simulation() -> None:
    assert list(CANDIDATES) == list(stopping.CANDIDATES)
    assert (RESULTS["runs"], tuple(RESULTS["conversations"])) == (stopping.RUNS, stopping.PLANNED)


def test_candidates_within_the_limits_are_stopped_in_at_most_five_percent_of_runs() -> None:
    within = ("unchanged", "errors at the limit", "latency at the limit")
    assert max(CANDIDATES[name]["stopped"] for name in within) <= 0.05


def test_limits_on_raw_numbers_stop_unchanged_candidates() -> None:
    assert CANDIDATES["unchanged"]["limits on raw numbers"] > 0.1


def test_worse_candidates_are_stopped() -> None:
    worse = ("a metric 15 points worse", "20 points more errors", "latency 8 times as long")
    assert min(CANDIDATES[name]["stopped"] for name in worse) >= 0.9


def test_the_table_is_current() -> None:
    assert "\n".join(stopping.table(RESULTS)) in PAGE, "copy the lines of `benchmarks.evals.stopping.table`"


def test_a_run_repeats_itself() -> None:
    assert stopping.measure(1) == stopping.measure(1)

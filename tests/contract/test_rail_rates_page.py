"""The page of the rails' rates agrees with the committed results, and these with the packaged curve and policy."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest
from septet_guardrails.adapters.weights import injection_curve
from septet_guardrails.domain.policy import Policy

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "docs" / "generate" / "rail_rates_page.py"))
INJECTION, RATES = (
    json.loads((ROOT / "benchmarks/guardrails/results" / f"{name}.json").read_text("utf-8"))
    for name in ("injection", "rates")
)
MADE = SCRIPT["files"](INJECTION, RATES)


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_file_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == MADE[path], (
        "run `python docs/generate/rail_rates_page.py` and commit the files"
    )


def test_charts_are_valid_and_shown_on_the_page() -> None:
    charts = [path for path in MADE if path.suffix == ".svg"]
    assert len(charts) == 3
    for path in charts:
        assert ElementTree.fromstring(MADE[path]).tag.endswith("svg")
        assert f"]({path.name})" in MADE[SCRIPT["PAGE"]]


def test_packaged_curve_is_the_measured_one() -> None:
    measured = [(rate, score) for rate, _, score in INJECTION["roc"]["points"] if rate > 0]
    assert list(injection_curve().points) == measured


def test_results_are_those_of_the_default_policy() -> None:
    policy = Policy()
    rule, points = policy.input.injection, INJECTION["operating_points"]
    assert points["block"]["false_positive_rate"] == rule.block_at_fpr
    assert points["contain"]["false_positive_rate"] == rule.contain_at_fpr
    shipped = rule.points(injection_curve())
    assert (points["block"]["score"], points["contain"]["score"]) == (shipped.block, shipped.contain)
    assert RATES["toxicity"]["operating_points"] == {"block": policy.input.toxicity.threshold}
    stricter = policy.output_rules(contained=True).groundedness.threshold
    expected = {
        "default": 1 - policy.output.groundedness.threshold,
        "contained question": round(1 - stricter, 4),
    }
    assert RATES["groundedness, english"]["operating_points"] == expected

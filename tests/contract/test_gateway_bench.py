"""The benchmark of the gateway: its arithmetic is right. Its section is tested with docs/benchmarks.md."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Modules = Callable[[str], Any]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Modules of the benchmark, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"benchmarks.gateway.{name}")


def test_what_the_gateway_adds_is_computed_within_a_round(module: Modules) -> None:
    latency = module("latency")
    runs = [
        {way: {"p50_ms": p50, "p99_ms": 2 * p50} for way, p50 in zip(latency.WAYS, round_, strict=True)}
        for round_ in ((30.0, 33.0), (60.0, 63.0), (40.0, 50.0))
    ]
    found = latency.summary(runs)
    assert found["latencies"][latency.KAFKA] == {"p50_ms": 40.0, "p99_ms": 80.0}
    assert found["added"][latency.HTTP]["p50_ms"] == {"median": 3.0, "min": 3.0, "max": 10.0}
    assert found["added"][latency.HTTP]["p99_ratio"] == {"median": 1.1, "min": 1.05, "max": 1.25}


def test_each_way_begins_and_ends_a_round_equally_often(module: Modules) -> None:
    latency = module("latency")
    firsts = [latency.order(number)[0] for number in range(6)]
    assert sorted(firsts) == sorted(3 * list(latency.WAYS))


def test_times_of_refusals_are_compared_with_the_median_of_all(module: Modules) -> None:
    found = module("refusals").summary({"revoked": [1.0, 2.0, 3.0], "expired": [2.0, 4.0, 6.0]})
    assert found["highest_to_lowest_median"] == 2.0
    assert found["reasons"]["revoked"]["median_ratio"] == 0.8

"""How often the stop rule of a canary stops it, in simulations: ``python -m benchmarks.evals.stopping [--quick]``.

Each run draws conversations of two variants whose true difference is known, and applies the rule at ten looks. Beside it
stand limits on the raw numbers: the canary is stopped if its errors or its p99 latency exceed those of the others by more
than the limit at any look. Results depend on the seed alone. Without ``--quick`` the command writes
``results/stopping.json``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from septet_experiments.gates import GateRule, Group, Limits, Side, StopRule, Watched

from benchmarks.circumstances import circumstances
from benchmarks.evals.worlds import ICC

RUNS, QUICK_RUNS, SEED = 500, 20, 20_261_201
PLANNED = 400, 100
"""Conversations of the live variant and of the canary at the last look; each has 1 to 9 requests."""
LOOKS = tuple(k / 10 for k in range(1, 11))
METRICS = ("groundedness", "relevance", "answered")
RIGHT, FAILED = 0.8, 0.02
RULE = StopRule([Watched(GateRule(metric=name, margin=0.05)) for name in METRICS])
RESULT = Path(__file__).parent / "results" / "stopping.json"


@dataclass(frozen=True)
class Candidate:
    """How a candidate differs: the loss of the first metric, more failed requests, and a factor of the latency."""

    loss: float = 0.0
    failed: float = 0.0
    slower: float = 1.0


CANDIDATES = {
    "unchanged": Candidate(),
    "errors at the limit": Candidate(failed=RULE.limits.errors),
    "latency at the limit": Candidate(slower=RULE.limits.slower),
    "a metric 15 points worse": Candidate(loss=0.15),
    "20 points more errors": Candidate(failed=0.2),
    "latency 8 times as long": Candidate(slower=8.0),
}


def measure(runs: int) -> dict[str, Any]:
    """Share of canaries that are stopped, and the share of their plan until then."""
    levels = [RULE.level(LOOKS[: number + 1]) for number in range(len(LOOKS))]
    found: dict[str, Any] = {}
    for number, (name, candidate) in enumerate(CANDIDATES.items()):
        rng = np.random.default_rng([SEED, number])
        stops = [_run(rng, candidate, levels) for _ in range(runs)]
        by_rule = [stop for stop, _ in stops if stop]
        found[name] = {
            "stopped": len(by_rule) / runs,
            "share of the plan until then": round(float(np.mean(by_rule)), 3) if by_rule else None,
            "limits on raw numbers": sum(raw for _, raw in stops) / runs,
        }
    return {"runs": runs, "looks": len(LOOKS), "conversations": PLANNED, "candidates": found}


def _run(rng: np.random.Generator, candidate: Candidate, levels: list[float]) -> tuple[float, bool]:
    """The fraction at which the rule stops, 0 if it does not, and whether limits on raw numbers stop it."""
    live, canary = _side(rng, PLANNED[0], Candidate()), _side(rng, PLANNED[1], candidate, PLANNED[0])
    stopped, raw = 0.0, False
    for fraction, level in zip(LOOKS, levels, strict=True):
        old, new = _first(live, fraction), _first(canary, fraction)
        raw = raw or _exceeds(old, new, RULE.limits)
        if not stopped and RULE.decide(old, new, level).verdict == "FAIL":
            stopped = fraction
        if stopped and raw:
            break
    return stopped, raw


def _side(rng: np.random.Generator, count: int, of: Candidate, first: int = 0) -> Side:
    """Conversations whose requests resemble each other; latencies are log-normal."""
    sizes = rng.integers(1, 10, count)
    numbers = np.repeat(np.arange(count), sizes)

    def events(rate: float) -> Group:
        spread = 1 / ICC - 1
        rates = rng.beta(rate * spread, (1 - rate) * spread, count)
        return Group((rng.random(numbers.size) < rates[numbers]).astype(float), numbers + first)

    metrics = {name: events(RIGHT - of.loss * (name == METRICS[0])) for name in METRICS}
    log_seconds = rng.normal(0, 0.4, count)[numbers] + rng.normal(0, 0.6, numbers.size)
    seconds = Group(of.slower * np.exp(log_seconds), numbers + first)
    return Side(metrics, events(FAILED + of.failed), seconds)


def _first(side: Side, fraction: float) -> Side:
    """The conversations until a look."""

    def part(group: Group) -> Group:
        first, last = int(group.clusters[0]), int(group.clusters[-1])
        seen = group.clusters < first + round((last + 1 - first) * fraction)
        return Group(group.values[seen], group.clusters[seen])

    metrics = {name: part(group) for name, group in side.metrics.items()}
    return Side(metrics, part(side.failed), part(side.seconds))


def _exceeds(live: Side, canary: Side, limits: Limits) -> bool:
    slow = [float(np.percentile(side.seconds.values, 99)) for side in (live, canary)]
    more = canary.failed.values.mean() - live.failed.values.mean()
    return bool(more > limits.errors or slow[1] > limits.slower * slow[0])


def table(results: dict[str, Any]) -> list[str]:
    """Lines of the table in docs/explanation/gates.md."""
    lines = [
        "| candidate | stopped | after so much of the plan | limits on raw numbers |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in results["candidates"].items():
        after = row["share of the plan until then"]
        cells = (row["stopped"], after, row["limits on raw numbers"])
        lines.append(f"| {name} | " + " | ".join(f"{100 * cell:.1f} %" for cell in cells) + " |")
    return lines


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs, printed only")
    arguments = parser.parse_args()
    results = {**circumstances(), **measure(QUICK_RUNS if arguments.quick else RUNS)}
    print(json.dumps(results, indent=1))
    if not arguments.quick:
        RESULT.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

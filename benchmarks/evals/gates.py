"""Error rates and power of gates in simulations: ``python -m benchmarks.evals.gates [--quick]``.

Each run draws a baseline and a candidate whose true difference is known, and asks ``septet_experiments.gates`` for a
verdict. Beside it stand two simpler rules: "any drop fails", and a t interval that treats all cases as independent.
Results depend on the seeds alone. Without ``--quick`` the command writes ``results/gates.json`` and the charts of
docs/explanation/gates.md; ``--charts`` draws them from the committed results.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_experiments.gates import GateRule, Group, Pairs, compare, decide, decide_all, look_levels
from septet_experiments.gates.clustered import clustered_mean, difference_of_means
from septet_experiments.gates.paired import observe

from benchmarks.circumstances import circumstances
from benchmarks.evals import gates_charts, worlds
from benchmarks.evals.exact_rates import binary_decision, exact_rates

RUNS, QUICK_RUNS, SEED = 2_000, 60, 20_260_101
REPEATS = 5
"""Rates of unchanged candidates come from so many times the runs: their noise is then .2 points."""
MARGIN = 0.05
RULE = GateRule(metric="score", margin=MARGIN)
RESULT = Path(__file__).parent / "results" / "gates.json"
SIZES = (100, 200, 400, 1000)
RESEARCHED = {100: 0.079, 200: 0.056, 400: 0.039, 1000: 0.025}
"""Detectable losses of earlier simulations, for comparison."""
LOSSES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
LOOKS = tuple(k / 10 for k in range(1, 11))
PLANNED = 200, 100
"""Conversations of the baseline and of a canary at its last look."""

WORLDS = (
    worlds.binary(100, 0.1),
    worlds.binary(400, 0.1),
    worlds.binary(400, 0.01),
    worlds.continuous(100),
    worlds.turns(40),
    worlds.binary_turns(100),
    worlds.few_clusters(),
    worlds.few_changes(100),
)
UNEVEN = worlds.uneven_clusters(17), worlds.uneven_clusters(40)


def measure(runs: int) -> dict[str, Any]:
    """All figures of the page."""
    return {
        "runs": runs,
        "runs of unchanged": REPEATS * runs,
        "margin": MARGIN,
        "unchanged": {world.name: unchanged(world, REPEATS * runs) for world in WORLDS},
        "limits": {world.name: unchanged(world, REPEATS * runs) for world in UNEVEN},
        "detection": {str(n): detection(n, runs) for n in SIZES},
        "detectable": {str(n): detectable(n, runs) for n in SIZES},
        "groups": groups(runs),
        "looks": looks(runs),
        "families": families(runs),
        "exact": exact_rates((50,) if runs < RUNS else (50, 100, 400)),
    }


def unchanged(world: worlds.World, runs: int) -> dict[str, float]:
    """Rates of verdicts without a difference, and with a loss by the margin."""
    counts: Counter[str] = Counter()
    for pairs in world.pairs(SEED, runs, 0.0):
        decision = decide(pairs, RULE)
        mean = clustered_mean(pairs.differences, np.arange(pairs.n))
        counts[f"gate {decision.verdict}"] += 1
        counts["t"] += clustered_mean(pairs.differences, pairs.codes).upper(RULE.alpha) < 0
        counts["any drop"] += mean.value < 0
        counts["naive"] += mean.se > 0 and mean.upper(RULE.alpha) < 0
        counts["naive covers"] += mean.se == 0 or mean.lower(0.025) <= 0 <= mean.upper(0.025)
        counts["gate covers"] += _covers(pairs)
    for pairs in world.pairs(SEED + 1, runs, MARGIN):
        counts["gate passes a loss by the margin"] += decide(pairs, RULE).verdict == "PASS"
    return {
        "fails, gate": counts["gate FAIL"] / runs,
        "fails, t without exact methods": counts["t"] / runs,
        "fails, any drop": counts["any drop"] / runs,
        "fails, naive": counts["naive"] / runs,
        "passes, gate": counts["gate PASS"] / runs,
        "covered by 95%, gate": counts["gate covers"] / runs,
        "covered by 95%, naive": counts["naive covers"] / runs,
        "passes a loss by the margin, gate": counts["gate passes a loss by the margin"] / runs,
    }


def _covers(pairs: Pairs) -> bool:
    evidence = observe(pairs)
    lower, upper = evidence.bounds(0.025) if evidence else (None, None)
    return (lower is None or lower <= 0) and (upper is None or upper >= 0)


def detection(n: int, runs: int) -> list[list[float]]:
    """Share of runs that fail by loss, for a binary metric with 10 % discordance: gate, and "any drop"."""
    return [
        [loss, *_failed(n, loss, np.random.default_rng(SEED + 10 + number), runs)]
        for number, loss in enumerate(LOSSES)
    ]


def detectable(n: int, runs: int) -> dict[str, float]:
    """The loss that the gate calls detectable with 80 %, and how often such a loss is detected."""
    loss = binary_decision(n, n // 20, n // 20, RULE).mde or 0.0
    detected, _ = _failed(n, loss, np.random.default_rng(SEED + 30), runs)
    return {"mde": round(loss, 4), "researched": RESEARCHED[n], "detected": detected}


def _failed(n: int, loss: float, rng: np.random.Generator, runs: int) -> tuple[float, float]:
    """Share of runs that fail, by the gate and by "any drop". Only the numbers of gains and losses matter."""
    drawn = rng.multinomial(n, [(0.1 - loss) / 2, (0.1 + loss) / 2, 0.9], runs)[:, :2]
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    fails = np.array(
        [binary_decision(n, int(gain), int(loss), RULE).verdict == "FAIL" for gain, loss in kinds]
    )
    return float(counts[fails].sum() / runs), float(counts[kinds[:, 0] < kinds[:, 1]].sum() / runs)


def groups(runs: int) -> dict[str, dict[str, float]]:
    """Rates of verdicts of unpaired conversations: 300 of the baseline, and 20 or 60 of a canary."""
    found = {}
    for number, (count, rate) in enumerate(((60, 0.8), (20, 0.8), (60, 0.99))):
        rng = np.random.default_rng(SEED + 40 + number)
        same = [_two_groups(rng, (300, count), (rate, rate)) for _ in range(runs)]
        lost = [_two_groups(rng, (300, count), (rate, rate - MARGIN)) for _ in range(runs)]
        found[f"{count} of {300 + count} conversations, {rate:.0%} right"] = {
            "fails, gate": sum(compare(*pair, RULE).verdict == "FAIL" for pair in same) / runs,
            "fails, naive": sum(_naive_upper(*pair) < 0 for pair in same) / runs,
            "passes a loss by the margin, gate": sum(compare(*p, RULE).verdict == "PASS" for p in lost)
            / runs,
        }
    return found


def _two_groups(
    rng: np.random.Generator, counts: tuple[int, int], rates: tuple[float, float]
) -> tuple[Group, Group]:
    return worlds.conversations(rng, counts[0], rates[0]), worlds.conversations(
        rng, counts[1], rates[1], 10_000
    )


def _naive_upper(old: Group, new: Group) -> float:
    means = [clustered_mean(group.values, np.arange(group.values.size)) for group in (old, new)]
    if min(mean.se for mean in means) == 0:
        return 0.0
    return difference_of_means(*means).upper(RULE.alpha)


def looks(runs: int) -> dict[str, dict[str, float]]:
    """A canary with ten looks: how often it ever fails, and the mean share of its conversations until then."""
    same, lost = _p_values(runs, 0.0), _p_values(runs // 4, 0.15)
    levels = {
        "pocock": look_levels(LOOKS, RULE.alpha, "pocock"),
        "obrien-fleming": look_levels(LOOKS, RULE.alpha, "obrien-fleming"),
        "5% at each look": (RULE.alpha,) * len(LOOKS),
    }
    found = {}
    for name, level in levels.items():
        stops = [LOOKS[int(np.argmax(row))] for row in lost < level if row.any()]
        found[name] = {
            "fails unchanged": float((same < level).any(axis=1).mean()),
            "fails at a loss of 15 points": len(stops) / len(lost),
            "mean share of conversations until it fails": round(float(np.mean(stops)), 3),
        }
    return found


def _p_values(runs: int, loss: float) -> NDArray[np.float64]:
    """P-values of a loss, shape (runs, looks)."""
    rng = np.random.default_rng(SEED + 50)
    found = np.ones((runs, len(LOOKS)))
    for run in range(runs):
        old, new = _two_groups(rng, PLANNED, (0.8, 0.8 - loss))
        for number, fraction in enumerate(LOOKS):
            decision = compare(_first(old, fraction), _first(new, fraction), RULE)
            found[run, number] = 1.0 if decision.p_worse is None else decision.p_worse
    return found


def _first(group: Group, fraction: float) -> Group:
    """The conversations until a look."""
    first, last = int(group.clusters[0]), int(group.clusters[-1])
    seen = group.clusters < first + round((last + 1 - first) * fraction)
    return Group(group.values[seen], group.clusters[seen])


def families(runs: int) -> dict[str, float]:
    """How often an unchanged candidate fails with one primary and three secondary metrics."""
    worlds_of = [worlds.continuous(100).pairs(SEED + 60 + k, runs, 0.0) for k in range(4)]
    counts: Counter[str] = Counter()
    for first, *others in zip(*worlds_of, strict=True):
        result = decide_all((first, RULE), [(pairs, RULE) for pairs in others])
        counts["primary"] += result.primary.verdict == "FAIL"
        counts["any secondary, Holm"] += any(found.verdict == "FAIL" for found in result.secondary)
        counts["any secondary, uncorrected"] += any((f.p_worse or 0) < f.alpha for f in result.secondary)
        counts["gate"] += result.verdict == "FAIL"
    return {name: count / runs for name, count in counts.items()}


def main() -> None:
    """Measure, print, and write results and charts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs, printed only")
    parser.add_argument("--charts", action="store_true", help="draw the charts from the committed results")
    arguments = parser.parse_args()
    if arguments.charts:
        gates_charts.write(json.loads(RESULT.read_text("utf-8")))
        return
    results = {**circumstances(), **measure(QUICK_RUNS if arguments.quick else RUNS)}
    print(json.dumps(results, indent=1))
    if not arguments.quick:
        RESULT.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        gates_charts.write(results)


if __name__ == "__main__":
    main()

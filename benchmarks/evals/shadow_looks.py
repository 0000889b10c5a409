"""How often a shadow ever fails, over all its looks: an unchanged candidate, and one that loses ten points.

python -m benchmarks.evals.shadow_looks [--runs N]: writes ``results/shadow_looks.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_cli.shadow.window import Plan
from septet_experiments.gates import GateRule, Pairs, decide, look_levels

RESULTS = Path(__file__).parent / "results" / "shadow_looks.json"
SEED = 80
PLAN = Plan(400, 50)
PLANNED = PLAN.cases
RULE = GateRule(metric="m", margin=0.05)


def draw(rng: np.random.Generator, kind: str, loss: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of the baseline and the candidate: of cases that differ, with noise in both runs."""
    if kind == "binary":
        right = rng.beta(4, 1, PLANNED)
        return tuple(  # type: ignore[return-value]
            (rng.random(PLANNED) < np.clip(p, 0, 1)).astype(float) for p in (right, right - loss)
        )
    level = rng.normal(0.7, 0.15, PLANNED)
    return level + rng.normal(0, 0.2, PLANNED), level - loss + rng.normal(0, 0.2, PLANNED)


def p_values(rng: np.random.Generator, kind: str, loss: float, counts: list[int]) -> list[float]:
    """P-value of a loss at each look of one shadow."""
    old, new = draw(rng, kind, loss)
    ids = tuple(map(str, range(PLANNED)))
    found = []
    for n in counts:
        decision = decide(Pairs("m", ids[:n], np.arange(n), old[:n], new[:n], cases=n), RULE)
        found.append(1.0 if decision.p_worse is None else decision.p_worse)
    return found


def simulate(runs: int) -> dict[str, dict[str, float]]:
    """Shares of shadows that fail at any look, with the shadow's levels and with 5 % at each look."""
    counts = [n for n in range(1, PLANNED + 1) if PLAN.is_look(n)]
    levels = look_levels(PLAN.fractions(PLANNED))
    found = {}
    for kind in ("binary", "continuous"):
        rng = np.random.default_rng(SEED)
        same = np.array([p_values(rng, kind, 0.0, counts) for _ in range(runs)])
        lost = np.array([p_values(rng, kind, 0.1, counts) for _ in range(runs // 4)])
        stops = [counts[int(np.argmax(row))] for row in lost < levels if row.any()]
        found[kind] = {
            "unchanged, ever fails": float((same < levels).any(axis=1).mean()),
            "unchanged, ever fails with 5% at each look": float((same < RULE.alpha).any(axis=1).mean()),
            "10 points worse, fails": len(stops) / len(lost),
            "10 points worse, mean cases until it fails": round(float(np.mean(stops)), 1),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    result = {"runs": runs, "planned": PLANNED, "look_every": PLAN.every, **simulate(runs)}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""Quality of published judges, from their saved verdicts on LLMBar.

``python -m benchmarks.evals.judges`` writes ``results/judges.json``: per judge the accuracy in each order of the answers,
position consistency, accuracy and Cohen's kappa where consistent, position and length bias, each with its 95 % interval,
and whether the judge clears the default bar of a gate. No model is called. The interval of kappa depends on the seed alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from septet_experiments.judges.cards import Bar, shortfalls
from septet_experiments.judges.labelled import PairLabel, read_labelled
from septet_experiments.judges.length import length_controlled
from septet_experiments.judges.measures import PairVerdicts, measure_pairs
from septet_experiments.judges.saved import parse_saved

from benchmarks.circumstances import circumstances
from benchmarks.data import data_dir

RESULT = Path(__file__).parent / "results" / "judges.json"
SEED = 1


def main() -> None:
    """Measure, print and write."""
    folder = data_dir() / "llmbar"
    if not folder.exists():
        print(f"skipped: llmbar ({folder} is missing)")
        return
    run = circumstances()
    data = read_labelled(folder / "pairs.jsonl")
    saved = parse_saved(
        (folder / "saved_judgments.jsonl").read_text(encoding="utf-8").splitlines(), data.pairs
    )
    judges = {f"{judge} {strategy}": _row(judge, verdicts) for (judge, strategy), verdicts in saved.items()}
    body = {
        "run": run,
        "data": {"set": "llmbar", "pairs": len(data.pairs), "digest": data.digest},
        "judges": judges,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    _print(judges)


def _row(judge: str, verdicts: Sequence[PairVerdicts]) -> dict[str, Any]:
    measures = measure_pairs(verdicts, judge, SEED)
    reasons = shortfalls(measures, Bar())
    return measures.model_dump(exclude_none=True) | {
        "slope_of_length": length_controlled(
            [_win(v, v.in_order) for v in verdicts if v.consistent], SEED
        ).slope,
        "slope_of_length_in_labels": length_controlled([_win(v, v.pair.label) for v in verdicts], SEED).slope,
        "clears_the_default_bar": not reasons,
        "reasons": reasons,
    }


def _win(verdicts: PairVerdicts, choice: PairLabel | None) -> tuple[float, int, int]:
    first, second = map(len, verdicts.pair.outputs)
    return (1.0 if choice == "1" else 0.0, first, second)


def _print(judges: dict[str, dict[str, Any]]) -> None:
    columns = (
        "accuracy_in_order",
        "accuracy_swapped",
        "consistency",
        "accuracy_consistent",
        "kappa",
        "length_bias",
    )
    print("judge".ljust(18), *(name.rjust(20) for name in columns), "decides")
    for name, row in judges.items():
        cells = [
            f"{row[c]['value']:.3f} [{row[c]['low']:.2f}, {row[c]['high']:.2f}]".rjust(20) for c in columns
        ]
        print(name.ljust(18), *cells, row["clears_the_default_bar"])


if __name__ == "__main__":
    main()

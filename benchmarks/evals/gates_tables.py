"""Tables of docs/explanation/gates.md: ``python -m benchmarks.evals.gates_tables`` writes them from the results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from septet_experiments.gates import GateRule

from benchmarks.evals.exact_rates import binary_decision

RESULT = Path(__file__).parent / "results" / "gates.json"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "gates.md"
EXAMPLES = ((20, 20), (20, 40), (20, 30))
"""Better and worse cases of 400."""


def tables(results: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines of each table by its name."""
    return {
        "rates": list(_rates({**results["unchanged"], **results["limits"]})),
        "coverage": list(_coverage(results["unchanged"])),
        "exact": list(_exact(results["exact"])),
        "detectable": list(_detectable(results["detectable"])),
        "examples": list(_examples()),
        "groups": list(_groups(results["groups"])),
        "looks": list(_looks(results["looks"])),
        "families": list(_families(results["families"])),
    }


def _rates(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head("an unchanged candidate fails", "gate", "t alone", "t, all independent", "any drop")
    for name, row in rows.items():
        kinds = ("gate", "t without exact methods", "naive", "any drop")
        yield _line(name, *(_percent(row[f"fails, {kind}"]) for kind in kinds))


def _coverage(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head(
        "cases", "95 % interval of the gate covers", "without clusters", "passes a loss by the margin"
    )
    for name, row in rows.items():
        kinds = ("covered by 95%, gate", "covered by 95%, naive", "passes a loss by the margin, gate")
        yield _line(name, *(_percent(row[kind]) for kind in kinds))


def _exact(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head("cases", "unchanged, fails: at most", "loss by the margin, passes: at most")
    for n, row in rows.items():
        yield _line(n, _percent(row["fails unchanged"]), _percent(row["passes a loss"]))


def _detectable(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head("cases", "detectable loss, points", "simulated: detected")
    for n, row in rows.items():
        yield _line(n, f"{100 * row['mde']:.1f}", _percent(row["detected"]))


def _examples() -> Iterator[str]:
    yield _line("better", "worse", "verdict", "what the gate says")
    yield _line("---:", "---:", "---", "---")
    rule = GateRule(metric="exact_match", margin=0.03)
    for better, worse in EXAMPLES:
        decision = binary_decision(400, better, worse, rule)
        yield _line(better, worse, f"`{decision.verdict}`", decision.reason)


def _groups(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head(
        "canary", "unchanged, fails", "as if answers were independent", "passes a loss of 5 points"
    )
    for name, row in rows.items():
        kinds = ("fails, gate", "fails, naive", "passes a loss by the margin, gate")
        yield _line(name, *(_percent(row[kind]) for kind in kinds))


def _looks(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield from _head(
        "levels", "unchanged, ever fails", "15 points worse, fails", "after so much of the canary"
    )
    for name, row in rows.items():
        kinds = (
            "fails unchanged",
            "fails at a loss of 15 points",
            "mean share of conversations until it fails",
        )
        yield _line(f"`{name}`" if "%" not in name else name, *(_percent(row[kind]) for kind in kinds))


def _families(row: Mapping[str, float]) -> Iterator[str]:
    yield from _head("one primary and three secondary metrics, all unchanged", "fails")
    for name, rate in row.items():
        yield _line(name, _percent(rate))


def _head(*cells: str) -> Iterator[str]:
    yield _line(*cells)
    yield _line("---", *["---:"] * (len(cells) - 1))


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def replaced(page: str, results: Mapping[str, Any]) -> str:
    """The page with its tables replaced; a table is found by its first line."""
    for lines in tables(results).values():
        before, after = page.split(lines[0] + "\n")
        rest = after.split("\n")
        while rest and rest[0].startswith("|"):
            del rest[0]
        page = before + "\n".join([*lines, *rest])
    return page


def main() -> None:
    """Write the tables."""
    page = PAGE.read_text("utf-8")
    PAGE.write_text(replaced(page, json.loads(RESULT.read_text("utf-8"))), "utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()

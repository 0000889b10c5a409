"""``docs/reliability.md`` from the committed results: ``python -m tests.chaos.report RESULTS.json…``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

_HEAD = """# Reliability

What happens to requests when processes die, hang, freeze or lie to each other. This page is made by
`python -m tests.chaos.report` from the results that `make chaos SEED=n` writes; [delivery](explanation/delivery.md)
explains why it holds.

An independent client publishes the requests, notes what the broker acknowledged, and afterwards reads the responses
topic from its first offset. **Lost**: acknowledged, and no response. **Duplicated**: more than one response. The same
checker also compares tenants, the order within conversations, terminal states, and the topic with the database.
"""


def main(paths: list[Path]) -> str:
    """The page for these files of results."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    parts = [_HEAD]
    for run in runs:
        rows = run["rows"]
        parts += [
            f"## Seed {run['seed']}\n",
            f"`make chaos SEED={run['seed']}`, {run['machine']}, {run['when']}: "
            f"{sum(r['passed'] for r in rows)} of {len(rows)} rows passed, {sum(r['lost'] for r in rows)} lost, "
            f"{sum(r['duplicated'] for r in rows)} duplicated of {sum(r['sent'] for r in rows):,} requests.\n",
            "| # | load × fault | expected | requests | lost | duplicated | figures | |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(_row(r) for r in rows),
            "",
            "The checker can fail. Each of these runs takes one safeguard away:\n",
            "| without | run | lost | duplicated |",
            "| --- | --- | --- | --- |",
            *(f"| {p['without']} | {p['run']} | {p['lost']} | {p['duplicated']} |" for p in run["proofs"]),
            "",
        ]
    return "\n".join(parts)


def _row(r: dict[str, Any]) -> str:
    figures = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in r["figures"].items())
    mark = "passed" if r["passed"] else "**failed**: " + "; ".join(r["broken"])
    return (
        f"| {r['number']} | {r['load']} | {r['expected']} | {r['sent']} | {r['lost']} | {r['duplicated']} "
        f"| {figures} | {mark} |"
    )


if __name__ == "__main__":
    PAGE.write_text(main([Path(p) for p in sys.argv[1:]]), encoding="utf-8")

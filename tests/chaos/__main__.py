"""The chaos suite: ``python -m tests.chaos --seed N [--rows 2,3] [--short]``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from .lab import Scale
from .result import Claims, Result, Row, finish
from .rows import crashes, outages, records, scaling, steady

ROWS: dict[int, Row] = {
    row.number: row for module in (steady, crashes, scaling, records, outages) for row in module.ROWS
}
SHORT = Scale(time=0.1, count=0.05)
out = Console()


def main() -> int:
    """Run the rows and print one line a script can read; 0 when all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of every random choice of the scenarios")
    parser.add_argument("--rows", default="", help="numbers, as in 2,3,7; all when absent")
    parser.add_argument(
        "--short", action="store_true", help="the small part that continuous integration runs"
    )
    parser.add_argument("--json", type=Path, help="also write the results there")
    options = parser.parse_args()
    wanted = [int(n) for n in options.rows.split(",") if n] or sorted(ROWS)
    unknown = [n for n in wanted if n not in ROWS]
    if unknown:
        parser.error(f"no such row: {unknown}; there are {sorted(ROWS)}")
    # Clients complain of every broker that a scenario kills.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results = asyncio.run(_all(wanted, options.seed, SHORT if options.short else Scale()))
    if options.json is not None:
        options.json.write_text(json.dumps([r.as_json() for r in results], indent=1) + "\n", encoding="utf-8")
    failed = sum(not r.passed for r in results)
    lost, doubled = sum(r.lost for r in results), sum(r.duplicated for r in results)
    print(f"chaos: {len(results) - failed} rows passed, {failed} failed, lost {lost}, duplicated {doubled}")
    return 1 if failed or lost or doubled else 0


async def _all(wanted: list[int], seed: int, scale: Scale) -> list[Result]:
    results = []
    for number in wanted:
        results.append(await run_row(ROWS[number], seed, scale))
        _say(results[-1])
    return results


async def run_row(row: Row, seed: int, scale: Scale) -> Result:
    """Run one row in a folder of its own; a scenario that breaks down has failed."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"septet-chaos-{row.number}-") as work:
        try:
            claims = await row.run(Path(work), seed, scale)
        except Exception as error:
            claims = Claims(broken=[f"the scenario broke down: {error!r}"])
    return finish(row, seed, scale, claims, time.monotonic() - begin)


def _say(result: Result) -> None:
    mark = "[green]passed[/]" if result.passed else "[red]FAILED[/]"
    figures = ", ".join(f"{k} {v}" for k, v in result.figures.items())
    out.print(
        f"{result.number:>3}  {mark}  {result.load}  ({result.seconds:.0f} s)  {figures}", highlight=False
    )
    for reason in result.broken:
        out.print(f"       {reason}", style="red", highlight=False)


if __name__ == "__main__":
    sys.exit(main())

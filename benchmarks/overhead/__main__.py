"""``make bench``: overhead against the raw log, and against peers that do the same work.

``python -m benchmarks.overhead [--quick] [--json FILE]`` measures, prints and exits with 0; a goal that is missed is
said, and is no error. ``--show FILE`` prints a result that was measured before.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.overhead.measure import measure
from benchmarks.overhead.plan import QUICK, WHOLE, Plan
from benchmarks.overhead.tables import tables

# A machine that is busier than this before the run measures its other work, too.
QUIET_LOAD = 1.0
# Contenders of each kind, for the length of the bar: two chains and Septet's own, two peers and Septet.
CHAINS, PATHS, HITS = 3, 3, 1


def run(plan: Plan, without: Sequence[str]) -> dict[str, Any]:
    """Measure behind a progress bar on the terminal's error stream."""
    errors = Console(stderr=True)
    if (load := os.getloadavg()[0]) > QUIET_LOAD:
        errors.print(
            f"bench: the load average is {load:.1f}: wait until the machine is quiet, or do not quote this run"
        )
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task("starting", total=plan.estimate(CHAINS, PATHS, HITS))

        def advance(what: str, seconds: float) -> None:
            bar.update(task, advance=seconds, description=what or None)

        return uvloop.run(measure(plan, without, advance))


def main() -> None:
    """Read the command line, measure or read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round: a check of the tool, not a result"
    )
    parser.add_argument("--rounds", type=int, help=f"alternations; {WHOLE.rounds} if absent")
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--show", type=Path, help="print this result and measure nothing")
    parser.add_argument("--without", action="append", default=[], metavar="PEER", help="leave a peer out")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    plan = QUICK if options.quick else WHOLE
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    result = json.loads(options.show.read_text("utf-8")) if options.show else run(plan, options.without)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    console = Console()
    for table in tables(result):
        console.print(table)


if __name__ == "__main__":
    main()

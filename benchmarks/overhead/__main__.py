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
from benchmarks.peers.contenders import contenders

# Contenders of each kind, for the length of the bar: two chains and Septet's own, two peers and Septet.
CHAINS, PATHS, HITS = 3, 3, 1


def run(plan: Plan, without: Sequence[str]) -> dict[str, Any]:
    """Measure behind a progress bar on the terminal's error stream."""
    errors = Console(stderr=True)
    if (load := os.getloadavg()[0]) > (os.cpu_count() or 1):
        errors.print(
            f"bench: the load average is {load:.1f}: this machine does other work, which is measured, too"
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


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one")
    return number


def main() -> None:
    """Read the command line, measure or read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round: a check of the tool, not a result"
    )
    parser.add_argument("--rounds", type=_positive, help=f"alternations; {WHOLE.rounds} if absent")
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--show", type=Path, help="print this result and measure nothing")
    peers = [peer.name for peer in contenders()]
    parser.add_argument("--without", action="append", default=[], choices=peers, help="leave a peer out")
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
    for name, why in result["left_out"].items():
        console.print(f"{name} was left out: {why}")


if __name__ == "__main__":
    main()

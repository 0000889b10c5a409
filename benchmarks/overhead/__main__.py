"""``make bench``: overhead relative to a raw Kafka chain, and to peers that do the same work.

``python -m benchmarks.overhead [--quick] [--json FILE]`` measures and prints the result. The exit code is 0 even if a goal
is missed. ``--show FILE`` prints an earlier result.
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

# Number of contenders of each kind, for the progress bar: two chains and Septet's own, two peers and Septet.
CHAINS, PATHS, HITS = 3, 3, 1


def run(plan: Plan, without: Sequence[str]) -> dict[str, Any]:
    """Measure, with a progress bar on stderr."""
    errors = Console(stderr=True)
    if (load := os.getloadavg()[0]) > (os.cpu_count() or 1):
        errors.print(
            f"bench: the load average is {load:.1f}; other work on this machine distorts the figures"
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
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main() -> None:
    """Parse the arguments, measure or read a result, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run one short round, to check the tool")
    parser.add_argument("--rounds", type=_positive, help=f"number of rounds (default: {WHOLE.rounds})")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    parser.add_argument("--show", type=Path, help="print this result without measuring")
    peers = [peer.name for peer in contenders()]
    parser.add_argument("--without", action="append", default=[], choices=peers, help="exclude this peer")
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
        console.print(f"{name} was excluded: {why}")


if __name__ == "__main__":
    main()

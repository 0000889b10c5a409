"""The chaos suite: ``python -m tests.chaos --seed N [--rows 2,3] [--proofs] [--short]``.

Runs all rows when neither rows nor proofs are named. Exit code 0 only when everything passed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from . import report, suite
from .board import Board
from .machine import circumstances
from .proofs import PROOFS, Proved
from .report import Report, ReportError
from .result import Result

Part = TypeVar("Part", int, str)


@dataclass(frozen=True)
class Wanted:
    """What to run: rows by number and proofs by name, in this order."""

    seed: int
    rows: Sequence[int]
    proofs: Sequence[str]
    short: bool
    keep: Path | None

    def command(self, part: str) -> str:
        """What repeats one part of the run."""
        return f"python -m tests.chaos --seed {self.seed} {part}" + (" --short" if self.short else "")


def main() -> int:
    """Run what is asked for and print one line that a script can read."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of every random choice of the scenarios")
    parser.add_argument("--rows", default="", help="numbers, as in 2,3,7; or all")
    parser.add_argument(
        "--proofs",
        nargs="?",
        const="all",
        default="",
        help=f"that the checker can fail: {', '.join(PROOFS)}; or all",
    )
    parser.add_argument("--short", action="store_true", help="a small part of each row, under a minute")
    parser.add_argument("--json", type=Path, help="put each result into this file as soon as it is there")
    parser.add_argument("--keep", type=Path, help="leave the services' logs of what failed in this folder")
    options = parser.parse_args()
    rows = options.rows or ("" if options.proofs else "all")
    try:
        wanted = Wanted(
            options.seed,
            _chosen(rows, {str(n): n for n in suite.ROWS}),
            _chosen(options.proofs, {n: n for n in PROOFS}),
            options.short,
            options.keep,
        )
        kept = Report.opened(options.json, options.seed, report.SHORT if options.short else report.WHOLE)
    except (KeyError, ReportError) as error:
        parser.error(str(error.args[0]))
    # Clients complain of every broker that a scenario kills.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(_run(wanted, kept))


def _chosen(text: str, known: dict[str, Part]) -> list[Part]:
    if text == "all":
        return list(known.values())
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise KeyError(f"there is no {name}; there are {', '.join(known)}")
    return [known[name] for name in names]


async def _run(wanted: Wanted, kept: Report) -> int:
    results: list[Result] = []
    proved: list[Proved] = []
    with Board(len(wanted.rows) + len(wanted.proofs)) as board:
        async for result in _rows(wanted, kept, board):
            results.append(result)
        async for proof in _proofs(wanted, kept, board):
            proved.append(proof)
    failed = sum(not r.passed for r in results) + sum(not p.passed for p in proved)
    lost, doubled = sum(r.lost for r in results), sum(r.duplicated for r in results)
    if proved:
        print(f"proofs: {sum(p.passed for p in proved)} of {len(proved)} weaknesses were reported")
    print(
        f"chaos: {sum(r.passed for r in results)} rows passed, {failed} failed, lost {lost}, duplicated {doubled}"
    )
    return 1 if failed or lost or doubled else 0


async def _rows(wanted: Wanted, kept: Report, board: Board) -> AsyncIterator[Result]:
    scale = suite.SHORT if wanted.short else suite.WHOLE
    for number in wanted.rows:
        row = suite.ROWS[number]
        about = circumstances(wanted.command(f"--rows {number}"))
        board.begin(str(number), row.load)
        result = await suite.run_row(row, wanted.seed, scale, wanted.keep)
        kept.add_row(result.as_json(), about)
        board.row(result)
        yield result


async def _proofs(wanted: Wanted, kept: Report, board: Board) -> AsyncIterator[Proved]:
    for name in wanted.proofs:
        about = circumstances(wanted.command(f"--proofs {name}"))
        board.begin(name, f"without {PROOFS[name].without}")
        proof = await suite.run_proof(PROOFS[name], wanted.seed, wanted.keep)
        kept.add_proof(proof.as_json(), about)
        board.proof(proof)
        yield proof


if __name__ == "__main__":
    sys.exit(main())

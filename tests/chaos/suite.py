"""All rows by number, and how one is run."""

from __future__ import annotations

import asyncio
import pkgutil
import shutil
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path

from . import rows
from .lab import Scale
from .proofs import Proof, Proved, prove, unproved
from .result import Claims, Result, Row, finish

WHOLE, SHORT = Scale(), Scale(time=0.1, count=0.05)
# What hangs must not take the rows after it along; the longest row takes half an hour by itself.
_LIMIT_S, _SHORT_LIMIT_S = 5400.0, 280.0


def all_rows() -> dict[int, Row]:
    """The rows of every module of :mod:`tests.chaos.rows`.

    Raises:
        ValueError: two have the same number.
    """
    found: dict[int, Row] = {}
    for module in pkgutil.iter_modules(rows.__path__):
        for row in getattr(import_module(f"{rows.__name__}.{module.name}"), "ROWS", ()):
            if row.number in found:
                raise ValueError(f"two rows are number {row.number}")
            found[row.number] = row
    return dict(sorted(found.items()))


ROWS = all_rows()


async def run_row(row: Row, seed: int, scale: Scale, keep: Path | None = None) -> Result:
    """Run one row in a folder of its own; a scenario that breaks down has failed.

    Args:
        keep: where the services' logs of a row that failed are left.
    """
    begin = time.monotonic()
    name = f"row-{row.number}-seed-{seed}"
    with tempfile.TemporaryDirectory(prefix=f"septet-chaos-{name}-") as work:
        try:
            async with asyncio.timeout(_SHORT_LIMIT_S if scale.brief else _LIMIT_S):
                claims = await row.run(Path(work), seed, scale)
        except Exception as error:
            claims = Claims(broken=[_breakdown(error)])
        result = finish(row, seed, scale, claims, time.monotonic() - begin)
        if keep is not None and not result.passed:
            _keep_logs(Path(work), keep / name)
    return result


async def run_proof(proof: Proof, seed: int, keep: Path | None = None) -> Proved:
    """Run one proof, as :func:`run_row` runs a row."""
    begin = time.monotonic()
    name = f"proof-{proof.name}-seed-{seed}"
    with tempfile.TemporaryDirectory(prefix=f"septet-chaos-{name}-") as work:
        try:
            async with asyncio.timeout(_SHORT_LIMIT_S):
                result = await prove(proof, Path(work), seed)
        except Exception as error:
            result = unproved(proof, _breakdown(error), time.monotonic() - begin)
        if keep is not None and not result.passed:
            _keep_logs(Path(work), keep / name)
    return result


def _breakdown(error: Exception) -> str:
    traceback.print_exception(error, file=sys.stderr)
    return f"the scenario broke down: {error!r}"


def _keep_logs(work: Path, keep: Path) -> None:
    for log in work.rglob("services/*.log"):
        target = keep / log.relative_to(work)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, target)

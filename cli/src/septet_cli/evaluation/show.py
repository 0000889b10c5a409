"""Tables of runs on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from septet_experiments.runs import RunFolder, RunInfo, Sample


def summary(info: RunInfo, samples: Sequence[Sample]) -> dict[str, Any]:
    """Means, numbers of values and reasons of failures by metric, and errors by reason."""
    return {
        "run": info.id,
        "suite": info.suite,
        "samples": len(samples),
        "errors": dict(Counter(s.error for s in samples if s.error is not None)),
        "overrides": info.overrides,
        "metrics": {name: _metric(name, samples) for name in info.metrics},
    }


def _metric(name: str, samples: Sequence[Sample]) -> dict[str, Any]:
    values = [s.values[name] for s in samples if name in s.values]
    failures = Counter(s.failures[name] for s in samples if name in s.failures and s.error is None)
    return {
        "mean": round(fmean(values), 4) if values else None,
        "values": len(values),
        "failures": dict(failures.most_common()),
    }


def summary_screen(figures: dict[str, Any]) -> RenderableType:
    """The summary of a run as a table."""
    head = Text(f"{figures['run']}: {figures['samples']} samples", style="bold")
    errors = ", ".join(f"{count} {reason}" for reason, count in figures["errors"].items())
    parts: list[RenderableType] = [
        head,
        Text(f"errors: {errors or 'none'}", style="red" if errors else "dim"),
    ]
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for column in ("metric", "mean", "values", "without a value"):
        table.add_column(column, justify="right" if column in ("mean", "values") else "left", overflow="fold")
    for name, found in figures["metrics"].items():
        mean = "-" if found["mean"] is None else f"{found['mean']:.3f}"
        failures = "; ".join(f"{count}: {reason}" for reason, count in found["failures"].items())
        table.add_row(name, mean, str(found["values"]), Text(failures))
    return Group(*parts, table)


def runs_table(runs: Iterable[tuple[RunFolder, RunInfo]], baselines: dict[str, str | None]) -> RenderableType:
    """The runs, one a line."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for column in ("run", "samples", "errors", "primary", "variant", ""):
        table.add_column(
            column, justify="right" if column in ("samples", "errors") else "left", overflow="fold"
        )
    for folder, info in runs:
        samples = folder.samples()
        errors = sum(s.error is not None for s in samples)
        wanted = info.cases * info.draws
        done = str(wanted) if len(samples) == wanted else f"{len(samples)}/{wanted}"
        state = (
            "baseline" if baselines.get(info.suite) == info.id else "" if info.finished_at else "not finished"
        )
        table.add_row(info.id, done, str(errors), _primary(info, samples), Text(_variant(info)), state)
    return table


def _primary(info: RunInfo, samples: Sequence[Sample]) -> str:
    name = next(iter(info.metrics), None)
    values = [s.values[name] for s in samples if name is not None and name in s.values]
    return f"{name} {fmean(values):.3f}" if values else "-"


def _variant(info: RunInfo) -> str:
    return ", ".join(f"{name}={value}" for name, value in info.overrides.items())

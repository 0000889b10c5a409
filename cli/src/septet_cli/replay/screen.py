"""What a replay shows besides the comparison of its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from septet_contracts import Usage

if TYPE_CHECKING:
    from septet_experiments.reports import CaseDifference, Comparison

SLICE_VALUES = 8
_SLICES = ("language", "status", "policy", "document")


def direction(case: CaseDifference, metric: str) -> str:
    """``better``, ``worse`` or ``same`` by a metric; ``worse`` if the value was lost, ``no value`` without one."""
    if case.lost:
        return "worse"
    difference = case.differences.get(metric)
    if difference is None:
        return "no value"
    return "better" if difference > 0 else "worse" if difference < 0 else "same"


def slices_table(comparison: Comparison) -> RenderableType:
    """Number of better, worse and unchanged cases, in all and by slice."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for column in ("slice", "better", "worse", "same", "no value"):
        table.add_column(column, justify="left" if column == "slice" else "right", overflow="fold")
    metric = comparison.ordered_by
    for name, counts in _counted(comparison, metric):
        table.add_row(
            Text(name), *(str(counts[column]) for column in ("better", "worse", "same", "no value"))
        )
    return table


def _counted(comparison: Comparison, metric: str) -> Iterator[tuple[str, Counter[str]]]:
    found = [(case, direction(case, metric)) for case in comparison.cases]
    yield "all", Counter(way for _, way in found)
    for key in _SLICES:
        values = Counter(case.slices[key] for case, _ in found if key in case.slices)
        for value, count in values.most_common(SLICE_VALUES):
            # Most documents have a single case, which the list of the worst cases shows.
            if key == "document" and count == 1:
                continue
            ways = Counter(way for case, way in found if case.slices.get(key) == value)
            yield f"{key} {value}", ways


def usage_line(usage: Usage, cases: int) -> str:
    """What the replay used."""
    cost = f", {usage.cost_usd:.4f} USD" if usage.cost_usd else ""
    return (
        f"{cases} requests: {usage.model_calls} model calls, {usage.prompt_tokens} prompt and "
        f"{usage.completion_tokens} completion tokens{cost}; not part of live totals"
    )

"""A comparison as one self-contained HTML page: no script, and nothing that is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from septet_experiments.errors import ExperimentError
from septet_experiments.reports.comparison import CaseDifference, Comparison, SideOfCase, SliceResult
from septet_experiments.reports.figures import cut, figure, signed
from septet_experiments.reports.plots import histogram, interval_plot, slice_plot
from septet_experiments.reports.words import Piece, word_difference

MAX_CASES = 100
"""Cases that the page shows."""
MAX_TEXT = 4000
"""Characters of an answer that the page shows."""
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_WEB = ("http://", "https://")


def to_html(comparison: Comparison, *, trace_url: str | None = None, max_cases: int = MAX_CASES) -> str:
    """The page.

    Args:
        trace_url: address of a trace with `{trace_id}` in it.
        max_cases: cases to show, worst first. The page states how many it leaves out.

    Raises:
        ExperimentError: *trace_url* is not such an address.
    """
    if trace_url is not None and not (trace_url.startswith(_WEB) and "{trace_id}" in trace_url):
        raise ExperimentError(
            f"{trace_url} is not the address of a trace",
            "for example http://localhost:16686/trace/{trace_id}",
        )
    primary = comparison.primary
    return _environment().get_template("comparison.html").render(
        comparison=comparison,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704  a file of this package
        primary=primary,
        histogram=histogram([c.differences[primary.metric] for c in comparison.cases if primary.metric in c.differences], primary.metric),
        slices=list(_slice_groups(comparison)),
        cases=[_ShownCase(case, trace_url) for case in comparison.cases[:max_cases]],
    )  # fmt: skip


_TEMPLATES = Path(__file__).parent / "templates"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, signed=signed, cut=cut, plot=interval_plot, web_link=web_link)
    return environment


@dataclass(frozen=True)
class _SliceRow:
    slice: SliceResult
    plot: Markup


def _slice_groups(comparison: Comparison) -> Iterator[tuple[str, list[_SliceRow]]]:
    """Rows of the primary metric by slice key, on one axis."""
    found = [item for item in comparison.slices if item.metric == comparison.primary.metric]
    ends = [value for item in found for value in (item.baseline, item.candidate)]
    low, high = (min(0.0, *ends), max(1.0, *ends)) if ends else (0.0, 1.0)
    for key, items in groupby(found, key=lambda item: item.key):
        yield (
            key,
            [
                _SliceRow(
                    item,
                    slice_plot(item.baseline, item.candidate, low, high, is_worse=item.difference < 0),
                )
                for item in items
            ],
        )


@dataclass(frozen=True)
class _ShownSide:
    name: str
    side: SideOfCase
    pieces: Sequence[Piece]
    is_cut: bool
    trace_href: str | None


class _ShownCase:
    """A case with the marked words of both answers and the links to its traces."""

    def __init__(self, case: CaseDifference, trace_url: str | None) -> None:
        self.case = case
        old, new = case.baseline.answer or "", case.candidate.answer or ""
        before, after = word_difference(old[:MAX_TEXT], new[:MAX_TEXT])
        self.sides = (
            _ShownSide("baseline", case.baseline, before, len(old) > MAX_TEXT, trace_link(case.baseline.trace_id, trace_url)),
            _ShownSide("candidate", case.candidate, after, len(new) > MAX_TEXT, trace_link(case.candidate.trace_id, trace_url)),
        )  # fmt: skip
        self.is_same = old == new
        self.origin_href = trace_link(case.origin_trace_id, trace_url)
        self.metrics = sorted(
            {*case.baseline.values, *case.candidate.values, *case.baseline.failures, *case.candidate.failures}
        )


def trace_link(trace_id: str | None, template: str | None) -> str | None:
    """Address of a trace's page; None without an address or for a value that is no trace id."""
    if trace_id is None or template is None or not _TRACE_ID.fullmatch(trace_id):
        return None
    return template.replace("{trace_id}", trace_id)


def web_link(uri: str) -> str | None:
    """*uri* if it is an address of the web. Other schemes, such as `javascript:`, are never linked."""
    return uri if uri.startswith(_WEB) else None

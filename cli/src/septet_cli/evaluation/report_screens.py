"""Reports of runs on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from septet_experiments.reports import CaseDifference, Comparison, ErrorCount, MetricResult
from septet_experiments.reports.comparison import SideOfCase
from septet_experiments.reports.figures import cut, figure, signed
from septet_experiments.reports.summary import CaseOfRun, RunReport
from septet_experiments.reports.words import Piece, word_difference

VERDICT_STYLE = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}
TEXT_CHARS = 600


def run_screen(report: RunReport, cases: int) -> RenderableType:
    """One run.

    Args:
        cases: number of cases to show.
    """
    info = report.info
    statuses = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    parts: list[RenderableType] = [
        Text(info.id, style="bold"),
        Text(f"suite {info.suite}, {report.samples} samples of {info.cases} cases: {statuses}", style="dim"),
    ]
    if info.overrides:
        parts.append(
            Text("variant: " + ", ".join(f"{k}={v}" for k, v in info.overrides.items()), style="dim")
        )
    parts += [Text(), _run_metrics(report)]
    if report.slices and report.worst is not None:
        parts += [Text(), _run_slices(report)]
    parts += list(_errors(report.errors, show_side=False))
    if cases and report.cases and report.worst is not None:
        parts += [Text(), Text(f"worst cases by {report.worst}", style="bold")]
        parts += [_run_case(case, report.worst) for case in report.cases[:cases]]
    return Group(*parts)


def _run_metrics(report: RunReport) -> Table:
    table = _table("metric", "mean >", "n >", "without a value >", "signature")
    for item in report.metrics:
        errors = Text(str(item.errors), style="red" if item.errors else "dim")
        table.add_row(
            Text(item.metric), figure(item.mean), str(item.n), errors, Text(item.signature, style="dim")
        )
    return table


def _run_slices(report: RunReport) -> Table:
    table = _table("slice", "value", "n >", f"{report.worst} >")
    for item in report.slices:
        if item.metric == report.worst:
            table.add_row(Text(item.key), Text(cut(item.value, 60)), str(item.n), figure(item.mean))
    return table


def _run_case(case: CaseOfRun, metric: str) -> RenderableType:
    value = case.answer.values.get(metric)
    head = Text.assemble(
        (figure(value), "red"), "  ", (case.case_id, "dim"), "  ", (cut(case.question, 160), "bold")
    )
    lines = [Text(f"reference: {cut(text, 200)}", style="dim") for text in case.references[:2]]
    return Group(Text(), head, Padding(Group(*lines, *_side(case.answer, None)), (0, 0, 0, 2)))


def comparison_screen(found: Comparison, cases: int) -> RenderableType:
    """Two runs.

    Args:
        cases: number of cases to show.
    """
    style = VERDICT_STYLE[found.verdict]
    parts: list[RenderableType] = [
        Text.assemble((found.verdict, f"bold {style}"), "  ", found.reason),
        Text(f"{found.suite}: {found.baseline.id} → {found.candidate.id}", style="dim"),
        Text(),
        _metrics(found.metrics),
    ]
    if slices := [item for item in found.slices if item.metric == found.primary.metric]:
        table = _table("slice", "value", "n >", "A >", "B >", "difference >")
        for item in slices:
            table.add_row(
                *(Text(item.key), Text(cut(item.value, 60)), str(item.n), figure(item.baseline)),
                *(figure(item.candidate), _difference(item.difference)),
            )
        parts += [Text(), Text(f"{found.primary.metric} by slice", style="bold"), table]
    parts += list(_errors(found.errors, show_side=True))
    for side, ids in (("A", found.only_baseline), ("B", found.only_candidate)):
        if ids:
            parts.append(Text(f"{len(ids)} cases only in {side}: {', '.join(ids[:5])}", style="yellow"))
    if shown := found.worse[:cases]:
        head = f"{len(found.worse)} of {len(found.cases)} cases became worse; the worst {len(shown)}"
        parts += [Text(), Text(head, style="bold"), *(_case(case, found.primary.metric) for case in shown)]
    return Group(*parts)


def _metrics(results: Iterable[MetricResult]) -> Table:
    table = _table(
        "metric",
        "verdict",
        "A >",
        "B >",
        "difference >",
        "bounds >",
        "margin >",
        "n >",
        "worse >",
        "better >",
    )
    for item in results:
        needed = f" ({item.cases_needed} cases decide)" if item.cases_needed is not None else ""
        table.add_row(
            Text(item.metric, style="bold" if item.primary else ""),
            Text(item.verdict + needed, style=VERDICT_STYLE[item.verdict]),
            *(figure(item.baseline), figure(item.candidate), _difference(item.difference)),
            *(f"{signed(item.lower)} … {signed(item.upper)}", figure(item.margin), str(item.n)),
            *(str(item.worse), str(item.better)),
        )
    return table


def _case(case: CaseDifference, metric: str) -> RenderableType:
    change = Text("lost", style="red") if case.lost else _difference(case.differences.get(metric))
    head = Text.assemble(change, "  ", (case.case_id, "dim"), "  ", (cut(case.question, 160), "bold"))
    old, new = case.baseline.answer or "", case.candidate.answer or ""
    before, after = word_difference(old[:TEXT_CHARS], new[:TEXT_CHARS])
    parts = [
        *(Text("A", style="dim"), *_side(case.baseline, before, "red strike")),
        *(Text("B", style="dim"), *_side(case.candidate, after, "green underline")),
    ]
    return Group(Text(), head, Padding(Group(*parts), (0, 0, 0, 2)))


def _side(side: SideOfCase, pieces: Sequence[Piece] | None, style: str = "") -> Iterator[RenderableType]:
    if side.error is not None:
        yield Text(side.error, style="red")
    if pieces is not None and side.answer is not None:
        yield Text.assemble(*((piece.text, style if piece.changed else "") for piece in pieces))
    elif side.answer is not None:
        yield Text(cut(side.answer, TEXT_CHARS))
    facts = [side.status or "no response", *(f"{v.rail}: {v.decision}" for v in side.verdicts)]
    facts += [f"{metric}: {reason}" for metric, reason in side.failures.items()]
    if side.trace_id:
        facts.append(f"trace {side.trace_id}")
    yield Text("; ".join(facts), style="dim")


def _errors(errors: Iterable[ErrorCount], *, show_side: bool) -> Iterator[RenderableType]:
    table = _table("count >", *(["run"] if show_side else []), "without a value", "reason")
    for item in errors:
        side = [{"baseline": "A", "candidate": "B"}[item.side]] if show_side else []
        table.add_row(
            str(item.count), *side, Text(item.metric or "no usable response"), Text(cut(item.reason, 120))
        )
    if table.row_count:
        yield Text()
        yield table


def _difference(value: float | None) -> Text:
    style = "" if not value else "green" if value > 0 else "red"
    return Text(signed(value), style=style)


def _table(*columns: str) -> Table:
    """A table; a name that ends in `>` is a column of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for column in columns:
        name = column.removesuffix(" >")
        table.add_column(escape(name), justify="right" if name != column else "left", overflow="fold")
    return table

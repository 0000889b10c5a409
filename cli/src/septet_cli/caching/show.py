"""Tables of `septet cache advise` and the summary of `septet cache warm`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from septet_cache.application.advice import NEAR, Advice

from septet_cli.caching.warm import NotAdmitted, WarmReport

CAUSES = {
    "bypassed": "the request bypassed the cache",
    "refreshed": "the request asked for a new answer",
    "disabled": "the cache was switched off",
    "masked": "personal data was masked, or a rail's decision is unknown",
    "not_released": "the first answer was not released yet",
    "not_admitted": "the answer was not admitted",
    "expired": "the answer had expired",
    "gone": "the answer was revoked, replaced or lost",
    "other_scope": "other scope",
    "similar": "similar to another question, with another meaning",
    "new": "new question",
}
SHOWN = 20


def advice_screen(advice: Advice, lines: Sequence[str]) -> RenderableType:
    """What repeats, what was served, what was refused, and the advice."""
    parts = [_head(advice), _served(advice)]
    if advice.refused:
        parts.append(_refused(advice))
    if advice.by_meaning:
        parts.append(_by_meaning(advice))
    return Group(
        *parts, Text("Advice", style="bold"), *(Padding(Text(f"- {line}"), (0, 0, 0, 2)) for line in lines)
    )


def _head(advice: Advice) -> Text:
    repeats = ", ".join(f"{n} {how}" for how, n in sorted(advice.repeats.items())) or "none"
    times = (
        f" from {advice.since:%Y-%m-%d %H:%M} to {advice.until:%Y-%m-%d %H:%M} UTC" if advice.since else ""
    )
    return Text.assemble(
        (f"{advice.requests} requests", "bold"),
        f"{times}, {advice.questions} different questions after normalisation\n",
        f"repeats: {repeats}\n",
        f"served from the cache: {sum(advice.served.values())} ({_share(sum(advice.served.values()), advice)}); "
        f"its rules allow: {advice.servable} ({_share(advice.servable, advice)})\n",
    )


def _share(part: int, advice: Advice) -> str:
    return f"{part / advice.requests:.0%}" if advice.requests else "-"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = column in ("requests", "repeats", f"≥ {NEAR:g}", "similarity")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _served(advice: Advice) -> RenderableType:
    table = _table("requests", "repeats", "served, or why not")
    for status, n in sorted(advice.served.items()):
        table.add_row(str(n), "", Text(f"served: {status}", style="green"))
    for group in advice.unserved:
        detail = f": {group.detail}" if group.detail else ""
        table.add_row(str(group.requests), str(group.repeats or ""), Text(f"{CAUSES[group.cause]}{detail}"))
    return Padding(table, (0, 0, 1, 0))


def _refused(advice: Advice) -> RenderableType:
    table = _table("refused by", "requests", f"≥ {NEAR:g}", "similarity", "most similar pair")
    for group in advice.refused:
        pair = group.example
        table.add_row(
            group.check,
            str(group.requests),
            str(group.near),
            _cosine(pair.similarity),
            Text(f"{pair.question}\n{pair.earlier}"),
        )
    return Padding(table, (0, 0, 1, 0))


def _by_meaning(advice: Advice) -> RenderableType:
    table = _table("similarity", "least similar pairs that count as the same question")
    for pair in advice.by_meaning:
        table.add_row(_cosine(pair.similarity), Text(f"{pair.question}\n{pair.earlier}"))
    return Padding(table, (0, 0, 1, 0))


def _cosine(similarity: float | None) -> str:
    return "-" if similarity is None else f"{similarity:.2f}"


def warm_summary(report: WarmReport, total: int) -> Text:
    """One line of counts, then each reason with its requests."""
    parts = [f"{report.admitted} answers admitted", f"{report.served} stored before"]
    if report.refused:
        parts.append(f"{len(report.refused)} not admitted")
    if report.unanswered:
        parts.append(f"{len(report.unanswered)} without a response")
    if report.done < total:
        parts.append(f"{total - report.done} not finished")
    text = Text(f"{total} questions: {', '.join(parts)}")
    if report.repeated:
        text.append(f" ({report.repeated} by an earlier run today; --run NAME asks again)")
    for line in _reasons([*report.refused, *report.unanswered]):
        text.append(f"\n{line}")
    return text


def _reasons(items: Sequence[NotAdmitted]) -> Iterator[str]:
    by_reason = sorted(items, key=lambda i: i.reason)
    for reason, group in groupby(by_reason, key=lambda i: i.reason):
        same = list(group)
        yield f"not admitted, {reason}: {len(same)}"
        yield from (f"  {i.where}: {i.question[:100]} ({i.request_id})" for i in same[:SHOWN])
        if len(same) > SHOWN:
            yield f"  … and {len(same) - SHOWN} more"

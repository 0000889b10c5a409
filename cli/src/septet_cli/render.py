"""Renders a response for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from septet_contracts import CacheInfo, Response, Source, StageTiming, Verdict

STATUS_STYLE = {
    "answered": "green",
    "abstained": "yellow",
    "refused": "yellow",
    "blocked": "magenta",
    "failed": "red",
    "expired": "red",
    "cancelled": "yellow",
}
"""Other statuses are shown like a failure."""
DECISION_STYLE = {
    "pass": "green",
    "flag": "yellow",
    "contain": "magenta",
    "mask": "cyan",
    "fix": "cyan",
    "reask": "yellow",
    "block": "red",
}
"""Other decisions are shown like a block."""
PASSAGE_CHARS = 220


def response_panel(response: Response, *, page: str | None = None, question: str | None = None) -> Panel:
    """A panel with all parts of a response.

    Args:
        response: a record of the responses topic.
        page: URL of its trace.
        question: the original question, shown above the answer.
    """
    style = STATUS_STYLE.get(response.status, STATUS_STYLE["failed"])
    parts: list[RenderableType] = []
    if question:
        parts.append(Text(f"Q  {question}", style="bold"))
        if response.question not in (question, None):
            parts.append(Text(f"as {response.question}", style="cyan"))
        parts.append(Text())
    parts.append(_answer(response))
    for title, part in (
        ("sources", _sources(response.sources)),
        ("guardrails", _verdicts(response.verdicts)),
        ("scores", _scores(response)),
        ("cache", _cache(response.cache)),
        ("latency, ms of work (+ waiting)", _timings(response.timings, response.total_ms)),
        ("trace", _trace(response, page)),
    ):
        if part is not None:
            parts += [Text(), Text(title, style="bold dim"), part]
    kind = "" if response.answer_kind == "none" else f" · {response.answer_kind}"
    subtitle = f"{response.request_id} · {response.tenant}"
    return Panel(
        Group(*parts),
        title=f"[{style}]{response.status}{kind}[/]",
        title_align="left",
        subtitle=Text(subtitle, style="dim"),
        subtitle_align="right",
        border_style=style,
        padding=(0, 1),
    )


def _answer(response: Response) -> RenderableType:
    parts: list[RenderableType] = []
    if response.answer:
        parts.append(Text(response.answer))
    if response.error is not None:
        error = response.error
        parts.append(Text(f"{error.code}: {error.message}", style="red"))
        if error.fix:
            parts.append(Text(f"fix: {error.fix}", style="green"))
    if not response.answer and response.error is None:
        parts.append(Text("(no answer)", style="dim"))
    if response.degraded:
        parts.append(Text(f"degraded, without: {', '.join(response.degraded)}", style="yellow"))
    return Group(*parts)


def _sources(sources: tuple[Source, ...]) -> RenderableType | None:
    if not sources:
        return None
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for source in sources:
        mark = Text(f"[{source.number}]", style="bold cyan" if source.cited else "dim")
        where = (
            " › ".join(dict.fromkeys(p for p in (source.title, source.location) if p)) or source.document_id
        )
        cited = " … ".join(source.passage[span.start : span.end] for span in source.spans)
        passage = " ".join((cited or source.passage).split())
        short = passage if len(passage) <= PASSAGE_CHARS else passage[:PASSAGE_CHARS].rsplit(" ", 1)[0] + " …"
        table.add_row(mark, Text.assemble((where, "cyan" if source.cited else ""), "\n", (short, "dim")))
    return table


def _verdicts(verdicts: tuple[Verdict, ...]) -> RenderableType | None:
    if not verdicts:
        return None
    table = Table.grid(padding=(0, 1))
    for stage in ("input", "output"):
        text = Text()
        for verdict in (v for v in verdicts if v.stage == stage):
            text.append(f"{verdict.rail} ")
            text.append(verdict.decision, style=DECISION_STYLE.get(verdict.decision, DECISION_STYLE["block"]))
            text.append(_detail(verdict) + "  ", style="dim")
        if text:
            table.add_row(Text(stage, style="dim"), text)
    return table


def _detail(verdict: Verdict) -> str:
    score = f" {verdict.score:.2f}" if verdict.score is not None else ""
    return score + (f" ({verdict.reason})" if verdict.reason and verdict.decision != "pass" else "")


def _scores(response: Response) -> RenderableType | None:
    if not response.scores:
        return None
    return Text("  ".join(f"{s.name} {s.value:.2f}" for s in response.scores))


def _cache(cache: CacheInfo | None) -> RenderableType | None:
    if cache is None:
        return None
    text = Text(cache.status, style="green" if cache.status.startswith("hit") else "")
    if cache.similarity is not None:
        text.append(f" · similarity {cache.similarity:.3f}")
    if cache.matched_question:
        text.append(f" · nearest “{cache.matched_question}”")
    if cache.reason:
        text.append(f"\n{cache.reason}", style="dim")
    for check in cache.checks:
        text.append("\n  ✓ " if check.passed else "\n  ✗ ", style="green" if check.passed else "red")
        text.append(check.name)
        text.append(f" {check.detail}" if check.detail else "", style="dim")
    return text


def _timings(timings: Iterable[StageTiming], total_ms: float | None) -> RenderableType | None:
    parts = [f"{t.stage} {t.work_ms:.0f} (+{t.queue_ms:.0f})" for t in timings]
    if not parts:
        return None
    total = f"   in all {total_ms:.0f}" if total_ms is not None else ""
    return Text(" · ".join(parts) + total)


def _trace(response: Response, page: str | None) -> RenderableType | None:
    if response.trace_id is None:
        return None
    return Text(response.trace_id + (f"  {page}" if page else ""))


def trace_page(traces_url: str | None, trace_id: str | None) -> str | None:
    """URL of a trace in the trace server (the same path as in Jaeger)."""
    return f"{traces_url.rstrip('/')}/trace/{trace_id}" if traces_url and trace_id else None

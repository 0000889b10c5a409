"""Renders a trace as a waterfall in the terminal."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_red", "bright_cyan", "bright_green")
BAR_WIDTHS = (12, 40)
"""Least and greatest width of the time line in characters; a narrow terminal shortens it first."""
_TOPIC = re.compile(r"\bseptet\.([a-z-]+)\.v\d+\b")


@dataclass
class Node:
    """A span in the tree of a trace; times in microseconds."""

    span_id: str
    parent_id: str | None
    name: str
    service: str
    start: int
    duration: int
    error: bool = False
    database: bool = False
    evaluations: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def end(self) -> int:
        """End of the span."""
        return self.start + self.duration

    @property
    def is_query(self) -> bool:
        """Whether the span is a database query without children."""
        return self.database and not self.children


def forest(trace: dict[str, Any]) -> list[Node]:
    """Root spans of a trace (JSON of Jaeger's query API), children ordered by their start.

    A span without its parent in the trace counts as a root.
    """
    nodes = {s["spanID"]: _node(s, trace["processes"][s["processID"]]["serviceName"]) for s in trace["spans"]}
    roots: list[Node] = []
    for node in sorted(nodes.values(), key=lambda n: (n.start, -n.duration)):
        parent = nodes.get(node.parent_id) if node.parent_id else None
        (parent.children if parent else roots).append(node)
    return roots


def _node(span: dict[str, Any], service: str) -> Node:
    parent = next((r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"), None)
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    return Node(
        span["spanID"],
        parent,
        span["operationName"],
        service.removeprefix("septet-"),
        span["startTime"],
        span["duration"],
        bool(tags.get("error")),
        bool(tags.keys() & {"db.system", "db.system.name"}),
        [_evaluation(log) for log in span["logs"] if _is_evaluation(log)],
    )


def _fields(log: dict[str, Any]) -> dict[str, Any]:
    return {f["key"]: f["value"] for f in log["fields"]}


def _is_evaluation(log: dict[str, Any]) -> bool:
    return _fields(log).get("event") == "gen_ai.evaluation.result"


def _evaluation(log: dict[str, Any]) -> str:
    values = _fields(log)
    score = values.get("gen_ai.evaluation.score.value")
    shown = (
        f"{float(score):.2f}" if score is not None else str(values.get("gen_ai.evaluation.score.label", ""))
    )
    return f"{values.get('gen_ai.evaluation.name', '?')} {shown}"


def render(trace: dict[str, Any], *, width: int | None = None, queries: bool = False) -> RenderableType:
    """The waterfall: one line per span, with its bar on the time line of the request.

    Args:
        trace: JSON of Jaeger's query API.
        width: characters of the time line; by default the width that the names leave free.
        queries: show each database query; by default the parent span shows their number.
    """
    roots = forest(trace)
    services = list(dict.fromkeys(node.service for root in roots for _, node in _walk(root)))
    flat = [item for root in roots for item in _walk(root, fold=not queries)]
    axis = _axis([node for _, node in flat])
    service_width = max(map(len, services))
    time_width = max(len(_milliseconds(n.duration)) for _, n in flat)
    if width is None:
        names = max(depth + len(_short(node.name)) for depth, node in flat)
        columns = shutil.get_terminal_size().columns
        width = max(BAR_WIDTHS[0], min(BAR_WIDTHS[1], columns - service_width - time_width - names - 4))
    colours = {service: COLOURS[i % len(COLOURS)] for i, service in enumerate(services)}
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, min_width=service_width)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, width=width)
    table.add_column(no_wrap=True, justify="right", min_width=time_width)
    for depth, node in flat:
        colour = "red" if node.error else colours[node.service]
        name = Text(" " * depth + _short(node.name), style="red" if node.error else "")
        hidden = 0 if queries else sum(child.is_query for child in node.children)
        name.append(f"  {hidden} queries" if hidden else "", style="dim")
        table.add_row(
            Text(node.service, style=colour),
            name,
            Text(_bar(node, axis, width), style=colour),
            _milliseconds(node.duration),
        )
        for evaluation in node.evaluations:
            table.add_row("", Text(" " * (depth + 1) + evaluation, style="dim"), "", "")
    total = len(trace["spans"])
    head = f"{total} spans · {len(services)} services · {len(roots)} root{'s' if len(roots) != 1 else ''}"
    return Group(Text(f"{head} · {_milliseconds(axis[1])}", style="dim"), table)


def _short(name: str) -> str:
    """The span's name with short topic names, because each hop is indented by one level."""
    return _TOPIC.sub(r"\1", name)


def _walk(node: Node, depth: int = 0, *, fold: bool = False) -> list[tuple[int, Node]]:
    shown = [child for child in node.children if not (fold and child.is_query)]
    return [(depth, node)] + [item for child in shown for item in _walk(child, depth + 1, fold=fold)]


def _axis(nodes: list[Node]) -> tuple[int, int]:
    """Start and length of the time line: the spans that start before the first span ends.

    Feedback spans follow minutes or days later. They would shrink the request to one character.
    """
    first = min(nodes, key=lambda node: node.start)
    within = [node.end for node in nodes if node.start <= first.end]
    return first.start, max(max(within) - first.start, 1)


def _bar(node: Node, axis: tuple[int, int], width: int) -> str:
    begin, span = axis
    if node.start > begin + span:
        return f"+{(node.start - begin) / 1e6:,.1f} s →".rjust(width)
    left = min(int((node.start - begin) / span * width), width - 1)
    length = max(1, min(round(node.duration / span * width), width - left))
    return " " * left + ("█" * length if node.duration else "▏")


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:,.1f} ms"

"""Charts of the gates' simulation, for docs/explanation/gates.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.overhead.chart import Bars
from benchmarks.overhead.chart import svg as bars

DOCS = Path(__file__).parents[2] / "docs" / "explanation"
LEFT, TOP, WIDTH, HEIGHT, MOST = 56, 12, 480, 260, 0.1
# An SVG image cannot read the theme of its page, so it follows the reader's preference.
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .grid { stroke: #d0d7de } .curve { fill: none; stroke: #0969da; stroke-width: 2 } .dot { fill: #cf222e }
  .other { fill: none; stroke: #8c959f; stroke-width: 2; stroke-dasharray: 6 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .curve { stroke: #4493f8 } .dot { fill: #ff7b72 }
    .other { stroke: #6e7681 }
  }
"""


def write(results: Mapping[str, Any]) -> None:
    """Write the charts."""
    for path, text in files(results).items():
        path.write_text(text, "utf-8")
        print(f"wrote {path}")


def files(results: Mapping[str, Any]) -> dict[Path, str]:
    """The text of each chart by its path."""
    return {
        DOCS / "gates-detection.svg": detection(results),
        DOCS / "gates-false-alarms.svg": bars(
            [_false_alarms(name, row) for name, row in results["unchanged"].items()]
        ),
    }


def detection(results: Mapping[str, Any]) -> str:
    """Share of runs that fail, by the true loss: one curve for each number of cases."""
    lines = [*_grid()]
    for n, points in results["detection"].items():
        lines.append(_line("curve", f"gate, n = {n}", [(loss, share) for loss, share, _ in points]))
        loss, share = next((loss, share) for loss, share, _ in points if share > 0.5 or loss == MOST)
        lines.append(f'  <text x="{_x(loss) + 6:.1f}" y="{_y(share) + 14:.1f}">{n}</text>')
    dropped = [(loss, share) for loss, _, share in results["detection"]["400"]]
    lines.append(_line("other", "any drop fails, n = 400", dropped))
    for n, row in results["detectable"].items():
        shown = f"n = {n}: a loss of {100 * row['mde']:.1f} points is detected in {row['detected']:.0%}"
        at = f'cx="{_x(row["mde"]):.1f}" cy="{_y(row["detected"]):.1f}"'
        lines.append(f'  <circle class="dot" {at} r="4"><title>{shown}</title></circle>')
    legend = "gate (solid), any drop fails, n = 400 (dashed), detectable loss (dots)"
    lines.append(f'  <text x="{LEFT}" y="{TOP + HEIGHT + 56}">{legend}</text>')
    size = f'viewBox="0 0 {LEFT + WIDTH + 24} {TOP + HEIGHT + 68}"'
    label = "Share of runs that fail, by the true loss"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
    return "\n".join([head, f"  <style>{STYLE}  </style>", *lines, "</svg>", ""])


def _false_alarms(name: str, row: Mapping[str, float]) -> Bars:
    rules = {"any drop fails": "any drop", "t, all independent": "naive", "septet gate": "gate"}
    return Bars(f"{name}: % failed", [(shown, 100 * row[f"fails, {key}"]) for shown, key in rules.items()])


def _line(kind: str, name: str, points: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{_x(loss):.1f},{_y(share):.1f}" for loss, share in points)
    return f'  <polyline class="{kind}" points="{path}"><title>{name}</title></polyline>'


def _grid() -> Iterator[str]:
    bottom, right = TOP + HEIGHT, LEFT + WIDTH
    for points in (0, 2, 4, 6, 8, 10):
        x = f"{_x(points / 100):.1f}"
        yield f'  <line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"/>'
        yield f'  <text x="{x}" y="{bottom + 16}" text-anchor="middle">{points}</text>'
    for share in (0.05, 0.25, 0.5, 0.8, 1.0):
        y = _y(share)
        yield f'  <line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'  <text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share * 100:g} %</text>'
    yield f'  <text x="{LEFT + WIDTH / 2:g}" y="{bottom + 34}" text-anchor="middle">true loss in points</text>'


def _x(loss: float) -> float:
    return LEFT + WIDTH * loss / MOST


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)

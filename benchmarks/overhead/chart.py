"""Horizontal bars as SVG, for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABELS, FIGURES, ROW, BAR = 720, 150, 60, 26, 16
# An SVG image cannot read the theme of its page, so it follows the reader's preference.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .bar { fill: #8c959f } .own { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .bar { fill: #6e7681 } .own { fill: #4493f8 }
  }
"""


@dataclass(frozen=True)
class Bars:
    """A group of bars on one scale; names with the prefix ``septet`` are coloured."""

    title: str
    values: Sequence[tuple[str, float]]


def svg(groups: Sequence[Bars]) -> str:
    """The picture, with its figures as alternative text."""
    lines, y = [], 0
    for group in groups:
        y += ROW
        lines.append(f'  <text class="title" x="0" y="{y - 8}">{escape(group.title)}</text>')
        longest = max((value for _, value in group.values), default=1.0) or 1.0
        for name, value in group.values:
            length = value / longest * (WIDTH - LABELS - FIGURES)
            kind = "own" if name.startswith("septet") else "bar"
            lines += [
                f'  <text x="0" y="{y + BAR - 3}">{escape(name)}</text>',
                f'  <rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
                f'  <text x="{LABELS + length + 6:.1f}" y="{y + BAR - 3}">{value:,.1f}</text>',
            ]
            y += ROW
        y += ROW // 2
    alternative = "; ".join(f"{g.title}: " + ", ".join(f"{n} {v:,.1f}" for n, v in g.values) for g in groups)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{escape(alternative)}">'
    return "\n".join([head, f"  <style>{STYLE}  </style>", *lines, "</svg>", ""])

"""Plots as inline SVG. Colours are classes of the page's style sheet, so that they follow its light or dark scheme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from septet_experiments.reports.comparison import MetricResult
from septet_experiments.reports.figures import figure, signed

WIDTH = 360
BINS = 21
_PAD = 14


class _Scale:
    """Maps values to horizontal positions."""

    def __init__(self, values: Iterable[float], width: float = WIDTH, pad: float = _PAD) -> None:
        found = list(values)
        self.low, self.high = min(found), max(found)
        if self.low == self.high:
            self.low, self.high = self.low - 1, self.high + 1
        self._pad = pad
        self._factor = (width - 2 * pad) / (self.high - self.low)

    def __call__(self, value: float) -> str:
        return f"{self._pad + (value - self.low) * self._factor:.1f}"


def interval_plot(result: MetricResult) -> Markup:
    """The difference with its bounds, the zero line and the margin."""
    if result.difference is None:
        return Markup("")
    known = [v for v in (result.difference, result.lower, result.upper) if v is not None]
    at = _Scale([*known, 0.0, -result.margin])
    zero, margin = at(0.0), at(-result.margin)
    low, high = at(min(known)), at(max(known))
    parts = [
        Markup('<line class="zero" x1="{0}" x2="{0}" y1="6" y2="38"/>').format(zero),
        Markup('<line class="margin" x1="{0}" x2="{0}" y1="6" y2="38"/>').format(margin),
        Markup('<line class="bounds" x1="{}" x2="{}" y1="22" y2="22"/>').format(low, high),
        Markup('<circle class="{}" cx="{}" cy="22" r="5"/>').format(_tone(result), at(result.difference)),
        *_axis_labels({zero: "0", margin: f"−{figure(result.margin)}"} if result.margin else {zero: "0"}, 50),
    ]
    title = f"{result.metric}: {signed(result.difference)}, bounds {signed(result.lower)} to {signed(result.upper)}"
    return _svg(title, 54, parts)


def histogram(values: Sequence[float], metric: str) -> Markup:
    """The number of cases by difference; equal cases are in the middle bin."""
    if not values:
        return Markup("")
    reach = max(max(abs(value) for value in values), 1e-9)
    counts = [0] * BINS
    for value in values:
        counts[min(int((value + reach) / (2 * reach) * BINS), BINS - 1)] += 1
    highest, step = max(counts), (WIDTH - 2 * _PAD) / BINS
    parts = []
    for index, count in enumerate(counts):
        if count:
            height = max(count / highest * 84, 1.5)
            tone = "bad" if index < BINS // 2 else "good" if index > BINS // 2 else "same"
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    tone, _PAD + index * step + 1, 100 - height, step - 2, height
                )
            )
            parts.append(_label(_PAD + (index + 0.5) * step, 96 - height, str(count)))
    parts.append(Markup('<line class="axis" x1="{}" x2="{}" y1="100" y2="100"/>').format(_PAD, WIDTH - _PAD))
    parts.extend(
        _label(x, 114, text, anchor)
        for x, text, anchor in (
            (_PAD, signed(-reach), "start"),
            (WIDTH / 2, "0", "middle"),
            (WIDTH - _PAD, signed(reach), "end"),
        )
    )
    worse, better = sum(value < 0 for value in values), sum(value > 0 for value in values)
    return _svg(
        f"{metric}: {worse} cases worse, {len(values) - worse - better} equal, {better} better", 118, parts
    )


def slice_plot(baseline: float, candidate: float, low: float, high: float, *, is_worse: bool) -> Markup:
    """The values of both runs in one slice, on an axis from *low* to *high*."""
    at = _Scale((low, high), width=140, pad=7)
    tone = "same" if baseline == candidate else "bad" if is_worse else "good"
    parts = [
        Markup('<line class="axis" x1="7" x2="133" y1="10" y2="10"/>'),
        Markup('<line class="change {}" x1="{}" x2="{}" y1="10" y2="10"/>').format(
            tone, at(baseline), at(candidate)
        ),
        Markup('<circle class="before" cx="{}" cy="10" r="4"/>').format(at(baseline)),
        Markup('<circle class="{}" cx="{}" cy="10" r="4"/>').format(tone, at(candidate)),
    ]
    return _svg(f"{figure(baseline)} → {figure(candidate)}", 20, parts, width=140)


def _tone(result: MetricResult) -> str:
    return {"PASS": "good", "FAIL": "bad"}.get(result.verdict, "unsure")


def _axis_labels(texts: dict[str, str], y: float) -> list[Markup]:
    """Labels from the right to the left; one that would cover another is left out."""
    labels: list[Markup] = []
    last = float("inf")
    for x, text in sorted(texts.items(), key=lambda item: -float(item[0])):
        if last - float(x) > 30:
            labels.append(_label(min(max(float(x), 20), WIDTH - 20), y, text))
            last = float(x)
    return labels


def _label(x: float, y: float, text: str, anchor: str = "middle") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _svg(title: str, height: int, parts: Iterable[Markup], width: int = WIDTH) -> Markup:
    return Markup('<svg role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        width, height, title, Markup("").join(parts)
    )

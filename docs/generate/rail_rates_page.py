"""Writes docs/reference/rail-rates.md and its charts: ``python docs/generate/rail_rates_page.py``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "rail-rates.md"
RESULTS = ROOT / "benchmarks" / "guardrails" / "results"
Figures = Mapping[str, Any]

HEAD = """# Rates of the rails

`python docs/generate/rail_rates_page.py` writes this page and its charts from the results of
`python -m benchmarks.guardrails.injection` and `python -m benchmarks.guardrails.rates`; do not edit it. [Rails](rails.md)
describes the rails and their settings.

A chart shows the share of attacks (or of hateful or unsupported texts) that a rail finds, by the share of harmless texts
that it also finds. Every set of texts has the same weight, whatever its size. Dots are the operating points of the default
policy. AUC is the area under the curve on a linear axis: the chance that an attack scores higher than a harmless text.
"""

INJECTION = """## Injection

Each set is left out once: the model is trained on the others, and the operating points follow from the false-positive rates
of the others. Attacks that need another system prompt (`contextual`) are not in the chart.
"""

TOXICITY = """## Toxicity

The rules without the optional classifier: functional tests of HateCheck, and plain questions. The rules give few different
scores, so the curve has few steps.
"""

GROUNDEDNESS = """## Groundedness

Texts to find are unsupported answers; harmless ones are supported answers. The score is 1 minus the support of the weakest
sentence. The weights are fitted on part A of each set, and the figures are those of part B. Shares are those of answers with
an unsupported sentence; the rail drops such sentences if enough of the answer remains. `paws` sets differ only in word order,
and their Korean paraphrases were translated separately ([figures](../../benchmarks/guardrails/README.md#groundedness-part-b-of-each-set-weights-fitted-on-part-a)).
"""


def main() -> None:
    """Write the page and the charts."""
    made = files(_read("injection"), _read("rates"))
    for path, text in made.items():
        path.write_text(text, "utf-8")
        print(f"wrote {path}")


def files(injection: Figures, rates: Figures) -> dict[Path, str]:
    """Return the text of each file by its path."""
    points = [(p["false_positive_rate"], p["caught"]) for p in injection["operating_points"].values()]
    toxic = rates["toxicity"]
    languages = {name: rates[f"groundedness, {name}"] for name in ("english", "korean")}
    grounded = {name: body["roc"]["points"] for name, body in languages.items()}
    charts = {
        "injection": svg({"injection": injection["roc"]["points"]}, points),
        "toxicity": svg({"toxicity": toxic["roc"]["points"]}, _dots(toxic)),
        "groundedness": svg(grounded, [dot for body in languages.values() for dot in _dots(body)]),
    }
    found = {PAGE.with_name(f"roc-{name}.svg"): text for name, text in charts.items()}
    parts = [HEAD, *_injection(injection), *_toxicity(toxic), *_groundedness(languages)]
    return {PAGE: "\n".join(parts), **found}


def _injection(results: Figures) -> Iterator[str]:
    yield INJECTION
    yield f"![ROC curve of the injection rail](roc-injection.svg)\n\nAUC: {results['roc']['auc']:.3f}\n"
    yield _line("operating point", "false-positive rate", "score", "attacks found")
    yield _line("---", *["---:"] * 3)
    for name, point in results["operating_points"].items():
        rate = point["false_positive_rate"]
        yield _line(f"`{name}_at_fpr`", f"{rate:.1%}", f"{point['score']:.3f}", f"{point['caught']:.1%}")
    for kind, groups in results["outcomes"].items():
        yield ""
        yield _line(kind, "texts", "blocked", "contained", "both")
        yield _line("---", *["---:"] * 4)
        for group, row in groups.items():
            both = row["blocked"] + row["contained"]
            yield _line(
                group, row["n"], *(f"{share:.1%}" for share in (row["blocked"], row["contained"], both))
            )
    yield ""


def _toxicity(results: Figures) -> Iterator[str]:
    yield TOXICITY
    yield f"![ROC curve of the toxicity rail](roc-toxicity.svg)\n\nAUC: {results['roc']['auc']:.3f}\n"
    yield from _sets("hateful texts", results["positives"], results["operating_points"], "blocked")
    yield from _sets("other texts", results["negatives"], results["operating_points"], "blocked")


def _groundedness(languages: Mapping[str, Figures]) -> Iterator[str]:
    yield GROUNDEDNESS
    areas = ", ".join(f"{name} {body['roc']['auc']:.3f}" for name, body in languages.items())
    yield f"![ROC curves of the groundedness rail](roc-groundedness.svg)\n\nAUC: {areas}\n"
    for kind, side in (("unsupported answers", "positives"), ("supported answers", "negatives")):
        found = {group: row for body in languages.values() for group, row in body[side].items()}
        yield from _sets(kind, found, next(iter(languages.values()))["operating_points"], "found")


def _sets(kind: str, groups: Figures, points: Mapping[str, float], verb: str) -> Iterator[str]:
    names = list(points)
    yield _line(kind, "texts", *(verb if len(names) == 1 else f"{verb}, {name}" for name in names))
    yield _line("---", "---:", *["---:"] * len(names))
    for group, row in groups.items():
        yield _line(group, row["n"], *(f"{row[name]:.1%}" for name in names))
    yield ""


def _dots(results: Figures) -> list[tuple[float, float]]:
    """Return mean false-positive and true-positive rate at each operating point."""

    def mean(side: str, name: str) -> float:
        return sum(row[name] for row in results[side].values()) / len(results[side])

    return [(mean("negatives", name), mean("positives", name)) for name in results["operating_points"]]


LEFT, TOP, WIDTH, HEIGHT, LEAST = 48, 12, 480, 260, 0.0005
# An SVG image cannot read the theme of its page, so it follows the reader's preference.
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .grid { stroke: #d0d7de } .curve { fill: none; stroke: #0969da; stroke-width: 2 } .dot { fill: #cf222e }
  .second { stroke-dasharray: 6 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .curve { stroke: #4493f8 } .dot { fill: #ff7b72 }
  }
"""


def svg(curves: Mapping[str, Sequence[Sequence[float]]], dots: Sequence[tuple[float, float]]) -> str:
    """Return a chart of ROC curves with a logarithmic axis of false-positive rates."""
    lines = [*_grid()]
    for number, (name, points) in enumerate(curves.items()):
        path = " ".join(f"{_x(rate):.1f},{_y(caught):.1f}" for rate, caught, *_ in points if rate >= LEAST)
        kind = "curve" if number == 0 else "curve second"
        lines.append(f'  <polyline class="{kind}" points="{path}"><title>{name}</title></polyline>')
    for rate, caught in dots:
        shown = f"{caught:.1%} found at {rate:.2%}"
        at = f'cx="{_x(rate):.1f}" cy="{_y(caught):.1f}"'
        lines.append(f'  <circle class="dot" {at} r="4"><title>{shown}</title></circle>')
    if len(curves) > 1:
        legend = ", ".join(f"{name} ({line})" for name, line in zip(curves, ("solid", "dashed"), strict=True))
        lines.append(f'  <text x="{LEFT + 8}" y="{TOP + 16}">{legend}</text>')
    size = f'viewBox="0 0 {LEFT + WIDTH + 24} {TOP + HEIGHT + 44}"'
    label = f"ROC of {', '.join(curves)}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
    return "\n".join([head, f"  <style>{STYLE}  </style>", *lines, "</svg>", ""])


def _grid() -> Iterator[str]:
    bottom, right = TOP + HEIGHT, LEFT + WIDTH
    for rate in (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0):
        x = f"{_x(rate):.1f}"
        yield f'  <line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"/>'
        yield f'  <text x="{x}" y="{bottom + 16}" text-anchor="middle">{rate * 100:g} %</text>'
    for caught in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = f"{_y(caught):.1f}"
        yield f'  <line class="grid" x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}"/>'
        yield f'  <text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{caught * 100:g} %</text>'
    yield f'  <text x="{LEFT + WIDTH / 2:g}" y="{bottom + 36}" text-anchor="middle">harmless texts found</text>'


def _x(rate: float) -> float:
    return LEFT + WIDTH * (1 - math.log(max(rate, LEAST)) / math.log(LEAST))


def _y(caught: float) -> float:
    return TOP + HEIGHT * (1 - caught)


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


if __name__ == "__main__":
    main()

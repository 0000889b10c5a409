"""A comparison in lines of plain text, for logs and messages."""

from __future__ import annotations

from septet_experiments.reports.comparison import Comparison, MetricResult
from septet_experiments.reports.figures import figure, signed


def to_text(comparison: Comparison) -> str:
    """The verdict, one line a metric, and counted errors."""
    lines = [
        f"{comparison.verdict}: {comparison.reason}",
        f"{comparison.suite}: {comparison.baseline.id} → {comparison.candidate.id}",
        *(f"  {metric_line(result)}" for result in comparison.metrics),
        *(
            f"  {error.count} × {error.side}, {error.metric or 'no usable response'}: {error.reason}"
            for error in comparison.errors
        ),
    ]
    if comparison.only_baseline or comparison.only_candidate:
        lines.append(
            f"  not paired: {len(comparison.only_baseline)} cases of the baseline, "
            f"{len(comparison.only_candidate)} of the candidate"
        )
    return "\n".join(lines)


def metric_line(result: MetricResult) -> str:
    """One metric: verdict, means, difference with bounds, and n."""
    role = "primary" if result.primary else "secondary"
    bounds = f"[{signed(result.lower)}, {signed(result.upper)}]"
    line = (
        f"{result.verdict} {result.metric} ({role}): {figure(result.baseline)} → {figure(result.candidate)}, "
        f"difference {signed(result.difference)} {bounds}, margin {figure(result.margin)}, "
        f"n = {result.n} in {result.clusters} clusters"
    )
    if result.verdict == "INCONCLUSIVE" and result.cases_needed is not None:
        line += f"; about {result.cases_needed} cases would decide"
    return line

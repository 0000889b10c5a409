"""Metrics of the guardrails service."""

from __future__ import annotations

from collections.abc import Iterable

from septet_contracts import Verdict
from septet_kit.observe.metrics import counter

_verdicts = counter("septet_guard_verdicts_total", "Verdicts of rails.", ["stage", "rail", "decision"])


def count_verdicts(verdicts: Iterable[Verdict]) -> None:
    """Count each verdict by stage, rail and decision."""
    for verdict in verdicts:
        _verdicts.labels(verdict.stage, verdict.rail, verdict.decision).inc()

"""Metrics of the guardrails service."""

from __future__ import annotations

from collections.abc import Iterable

from septet_contracts import Verdict
from septet_kit.observe.metrics import counter
from septet_kit.observe.traffic import traffic

_verdicts = counter(
    "septet_guard_verdicts_total", "Verdicts of rails.", ["stage", "rail", "decision", "traffic"]
)
_chunks = counter("septet_guard_chunks_total", "Checked chunks of streamed drafts.", ["result", "traffic"])
_restored = counter(
    "septet_guard_restored_total", "Answers with masked values to restore.", ["result", "traffic"]
)


def count_chunk(*, released: bool) -> None:
    """Count a chunk by whether it added text that may be shown."""
    _chunks.labels("released" if released else "held", traffic()).inc()


def count_restored(result: str) -> None:
    """Count an answer by the result of restoring: restored, unreadable, address, too_long, invalid."""
    _restored.labels(result, traffic()).inc()


def count_verdicts(verdicts: Iterable[Verdict]) -> None:
    """Count each verdict by stage, rail and decision."""
    for verdict in verdicts:
        _verdicts.labels(verdict.stage, verdict.rail, verdict.decision, traffic()).inc()

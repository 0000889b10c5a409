"""The context of a record: origin, time limits and timings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opentelemetry import trace
from septet_contracts import StageTiming


@dataclass
class Context:
    """Origin and time limits of the record that a handler handles.

    ``timestamp`` is the broker's record time (UTC); ``queue_ms`` is the time from there to the handler's
    start; ``expires`` is on the monotonic clock (seconds), ``None`` without a limit.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    timestamp: datetime
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)
    deadline: datetime | None = None
    queue_ms: float = 0.0
    started: float = field(default_factory=time.monotonic)
    expires: float | None = None

    def remaining(self) -> float:
        """Seconds left for this step: the smaller of its own budget and what the deadline leaves."""
        left = float("inf") if self.expires is None else self.expires - time.monotonic()
        if self.deadline is not None:
            left = min(left, (self.deadline - datetime.now(UTC)).total_seconds())
        return left

    def timing(self, stage: str) -> StageTiming:
        """This stage's queue and work time so far, in milliseconds."""
        return StageTiming(
            stage=stage,
            queue_ms=round(self.queue_ms, 3),
            work_ms=round((time.monotonic() - self.started) * 1000, 3),
        )

    @property
    def trace_id(self) -> str:
        """W3C trace id (32 hexadecimal digits) of the span that is current."""
        return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)

    @property
    def traceparent(self) -> str | None:
        """The record's own ``traceparent`` header."""
        raw = self.headers.get("traceparent")
        return raw.decode("ascii", "replace") if raw is not None else None

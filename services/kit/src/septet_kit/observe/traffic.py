"""Whether the record in work belongs to live traffic or to an evaluation run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from septet_contracts import EvaluationSample

LIVE, EVALUATION = "live", "evaluation"

_current: ContextVar[str] = ContextVar("traffic", default=LIVE)


def evaluation_of(event: Any) -> EvaluationSample | None:
    """The sample that an event belongs to; None for live traffic and for events without a request."""
    source = getattr(event, "draft", None) or event
    found = getattr(getattr(source, "ask", source), "evaluation", None)
    return found if isinstance(found, EvaluationSample) else None


@contextmanager
def traffic_of(event: Any) -> Iterator[EvaluationSample | None]:
    """Mark a block as work on an event; yields its sample of an evaluation run."""
    sample = evaluation_of(event)
    token = _current.set(LIVE if sample is None else EVALUATION)
    try:
        yield sample
    finally:
        _current.reset(token)


def traffic() -> str:
    """Value of the metric label ``traffic`` for the record in work: ``live`` or ``evaluation``."""
    return _current.get()

"""Trace context of published records, if the application uses OpenTelemetry."""

from __future__ import annotations

try:
    from opentelemetry import propagate
except ImportError:  # the extra `otel` is not installed
    propagate = None  # type: ignore[assignment]


def headers() -> list[tuple[str, bytes]]:
    """Headers of a record: its content type, and the current trace context.

    Without one, Septet derives the trace from the request.
    """
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return [
        ("content-type", b"application/json"),
        *((name, value.encode()) for name, value in carrier.items()),
    ]

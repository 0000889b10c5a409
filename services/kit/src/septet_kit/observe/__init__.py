"""Observability: traces, logs, metrics, health."""

from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import emit_root_span, span

__all__ = ["emit_root_span", "get_logger", "span"]

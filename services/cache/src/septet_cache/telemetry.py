"""Metrics and spans of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span
from septet_contracts import CacheInfo
from septet_kit.observe import span
from septet_kit.observe.metrics import counter
from septet_kit.observe.traffic import traffic

_lookups = counter("septet_cache_lookups_total", "Lookups by result.", ["status", "traffic"])
_rejected = counter(
    "septet_cache_rejected_total",
    "Lookups whose nearest candidate failed a check, by check.",
    ["check", "traffic"],
)
_admissions = counter(
    "septet_cache_admissions_total", "Releases, by whether they were admitted.", ["kept", "traffic"]
)
_revocations = counter("septet_cache_revocations_total", "Revoked entries, by cause.", ["cause"])


@contextmanager
def lookup_span() -> Iterator[Span]:
    """Span of one lookup."""
    with span("cache.lookup") as current:
        yield current


@contextmanager
def verify_span(candidates: int) -> Iterator[Span]:
    """Span of the verification of a lookup's candidates."""
    with span("cache.verify") as current:
        current.set_attribute("septet.cache.candidates", candidates)
        yield current


def record_lookup(current: Span, info: CacheInfo) -> None:
    """Set the lookup's status on its span, and count the status and the first failed check."""
    current.set_attribute("septet.cache.status", info.status)
    _lookups.labels(info.status, traffic()).inc()
    if failed := next((check.name for check in info.checks if not check.passed), None):
        _rejected.labels(failed, traffic()).inc()


def count_admission(*, admitted: bool) -> None:
    """Count a release."""
    _admissions.labels("yes" if admitted else "no", traffic()).inc()


def count_revoked(cause: str, entries: int) -> None:
    """Count revoked entries."""
    _revocations.labels(cause).inc(entries)

"""Prometheus metrics of the kit, and constructors for those of services."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def counter(name: str, about: str, labels: Sequence[str] = ()) -> Counter:
    """A counter on the process's registry."""
    return Counter(name, about, labels)


def histogram(name: str, about: str, labels: Sequence[str] = ()) -> Histogram:
    """A histogram of seconds on the process's registry."""
    return Histogram(name, about, labels, buckets=_BUCKETS)


handled = counter("septet_handled_total", "Records handled.", ["topic", "result"])
step_seconds = histogram(
    "septet_step_seconds", "Time from a handler's start to its commitable end.", ["topic"]
)
queue_seconds = histogram(
    "septet_queue_seconds", "Time from the record's timestamp to the handler.", ["topic"]
)
retries = counter("septet_retries_total", "Retries in place.", ["topic"])
dead_letters = counter("septet_dead_letters_total", "Dead letters.", ["topic", "code"])
ignored = counter(
    "septet_ignored_total", "Malformed records that another service answers for.", ["topic", "code"]
)
lost_sends = counter("septet_lost_sends_total", "Lossy records that could not be sent.")
swept = counter("septet_outbox_swept_total", "Outbox rows that a sweeper settled.", ["result"])
lane_depth = Gauge("septet_lane_depth", "Records that run or wait in key lanes.", ["topic"])
namespace = Gauge(
    "septet_namespace", "1, with the namespace of the process; empty on the live side.", ["namespace"]
)
lag = Gauge("septet_consumer_lag", "Records behind the end of the log.", ["topic", "partition"])

"""Compares two results in one table: the effect of a change of the hot path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.overhead.ratios import BUS, FULL, HIT, RAW
from benchmarks.overhead.tables import Result, Table, latency, over, own_and_servers

OWN_RATIOS = ("p50_at_10_vs_raw", "p99_at_10_vs_raw", "rate_vs_raw", "hit_p50_vs_miss")
OWN, SERVERS = 0, 1
Run = dict[str, Any]


def change(before: Result, after: Result) -> Table:
    """The figures of both results, ratios first, because ratios do not depend on other load on the machine."""
    both = (before, after)
    rows = [[name, *(f"{result['ratios'][name]:.3g}" for result in both)] for name in OWN_RATIOS]
    rows += [[label, *(figure(result) for result in both)] for label, figure in _figures(after)]
    return Table("Before and after", ["figure", *(result["commit"] for result in both)], rows)


def _figures(after: Result) -> Iterator[tuple[str, Callable[[Result], str]]]:
    """Name of each figure and the function that reads it from a result."""
    for name in (RAW, BUS):
        yield f"{name}: p50 / p99 at 10/s, ms", _at_ten(name)
        yield f"{name}: highest rate held", _highest(name)
    busy = after["plan"]["in_flight"]
    yield f"{FULL}: p50 / p99 at 10/s, ms", _at_ten(FULL)
    yield (
        f"{FULL}: responses/s, {busy} in flight",
        lambda r: over(x["concurrent"]["rate"] for x in _runs(r, FULL)),
    )
    yield (
        f"{FULL}: p50 / p99, {busy} in flight, ms",
        lambda r: latency(x["concurrent"] for x in _runs(r, FULL)),
    )
    yield f"{HIT}: p50 / p99 at 10/s, ms", _at_ten(HIT)
    for name in (BUS, FULL):
        yield f"{name}: CPU ms of services per request at 10/s", _cpu(name, OWN)
        yield f"{name}: CPU ms of servers per request at 10/s", _cpu(name, SERVERS)
        yield f"{name}: bytes of PostgreSQL's log per request", _wal(name)


def _runs(result: Result, name: str) -> list[Run]:
    runs: list[Run] = result["contenders"][name]["runs"]
    return runs


def _at_ten(name: str) -> Callable[[Result], str]:
    return lambda result: latency(run["rates"].get("10") for run in _runs(result, name))


def _highest(name: str) -> Callable[[Result], str]:
    return lambda result: over(run["highest_rate"]["held"] for run in _runs(result, name))


def _cpu(name: str, part: int) -> Callable[[Result], str]:
    def read(result: Result) -> str:
        samples = [run["rates"]["10"] for run in _runs(result, name) if run["rates"].get("10")]
        return over(own_and_servers(sample["cpu_ms"])[part] for sample in samples) if samples else "not held"

    return read


def _wal(name: str) -> Callable[[Result], str]:
    return lambda result: f"{result['septet'][name]['wal_bytes']:,}"

"""Ratios within each round, which cancel out other load on the machine."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Run = Mapping[str, Any]
Contenders = Mapping[str, Mapping[str, Any]]

RAW, BUS, FULL, HIT = "raw", "septet, bus only", "septet", "septet, cache hit"


@dataclass(frozen=True)
class Goal:
    """An upper or lower limit for a ratio."""

    ratio: str
    limit: float
    at_most: bool

    def met(self, value: float) -> bool:
        """Whether *value* meets the limit."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:.3g}"


OWN_GOALS = (
    Goal("p50_at_10_vs_raw", 1.5, at_most=True),
    Goal("p99_at_10_vs_raw", 2.0, at_most=True),
    Goal("rate_vs_raw", 0.5, at_most=False),
    Goal("hit_p50_vs_miss", 1 / 3, at_most=True),
)


def summarise(contenders: Contenders) -> dict[str, Any]:
    """``ratios``: median over rounds; ``spread``: minimum, maximum and the value of each round."""
    every = dict(_ratios(contenders))
    return {
        "ratios": {name: round(statistics.median(values), 3) for name, values in every.items() if values},
        "spread": {
            name: {
                "min": round(min(values), 3),
                "max": round(max(values), 3),
                "runs": [round(v, 3) for v in values],
            }
            for name, values in every.items()
            if values
        },
    }


def goals(contenders: Contenders) -> list[Goal]:
    """All goals, including more responses per second and a lower p99 than each HTTP peer."""
    peers = [
        goal
        for name in _peers(contenders, "full")
        for goal in (
            Goal(f"rate_at_50_vs_{name}", 1, at_most=False),
            Goal(f"p99_at_50_vs_{name}", 1, at_most=True),
        )
    ]
    return [*OWN_GOALS, *peers]


def _ratios(contenders: Contenders) -> Iterator[tuple[str, list[float]]]:
    for name in (BUS, *_peers(contenders, "bus")):
        prefix = "" if name == BUS else f"{name}_"
        for figure in ("p50", "p99"):
            at = _at_ten(figure)
            yield f"{prefix}{figure}_at_10_vs_raw", _compared(contenders, name, RAW, at)
        yield f"{prefix}rate_vs_raw", _compared(contenders, name, RAW, _highest)
    for name in _peers(contenders, "full"):
        yield f"rate_at_50_vs_{name}", _compared(contenders, FULL, name, _concurrent("rate"))
        for figure in ("p50", "p99"):
            at = _concurrent(f"{figure}_ms")
            yield f"{figure}_at_50_vs_{name}", _compared(contenders, FULL, name, at)
    yield "hit_p50_vs_miss", _compared(contenders, HIT, FULL, _at_ten("p50"))
    yield "hit_p50_at_50_vs_miss", _compared(contenders, HIT, FULL, _concurrent("p50_ms"))
    yield "hit_rate_at_50_vs_miss", _compared(contenders, HIT, FULL, _concurrent("rate"))


def _peers(contenders: Contenders, kind: str) -> list[str]:
    return [n for n, found in contenders.items() if found["kind"] == kind and n not in (RAW, BUS, FULL, HIT)]


def _compared(
    contenders: Contenders, one: str, other: str, figure: Callable[[Run], float | None]
) -> list[float]:
    """The ratios of the rounds that measured both."""
    rounds = zip(contenders[one]["runs"], contenders[other]["runs"], strict=True)
    pairs = ((figure(a), figure(b)) for a, b in rounds)
    return [a / b for a, b in pairs if a is not None and b]


def _at_ten(figure: str) -> Callable[[Run], float | None]:
    def read(run: Run) -> float | None:
        found = run["rates"].get("10")
        # A phase in which every request failed has no latency.
        return float(found[f"{figure}_ms"]) if found and found["responses"] else None

    return read


def _concurrent(figure: str) -> Callable[[Run], float | None]:
    def read(run: Run) -> float | None:
        return float(run["concurrent"][figure]) if run["concurrent"]["responses"] else None

    return read


def _highest(run: Run) -> float | None:
    return float(run["highest_rate"]["held"])

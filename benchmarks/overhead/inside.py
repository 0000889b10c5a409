"""Time by hop from traces, and time by rail and scorer."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from septet_cli.traces import read_trace
from septet_cli.wire import Record
from septet_contracts import Outcome, decode, topic
from septet_eval.domain.case import case_of
from septet_eval.domain.scorers import SCORERS

from benchmarks.overhead.septet import Answer
from benchmarks.overhead.spans import Journey, journey

EXPORT_WAIT_S = 1.5
"""Spans are exported in batches, half a second after they end."""


async def journeys(traces_url: str, answers: Sequence[Answer]) -> list[tuple[Journey, float]]:
    """The journey of each request with a complete trace, and its client latency in milliseconds."""
    await asyncio.sleep(EXPORT_WAIT_S)
    found = []
    for answer in answers:
        trace = await read_trace(traces_url, answer.body["trace_id"])
        way = journey(trace, answer.body, answer.sent_at) if trace is not None else None
        if way is not None:
            found.append((way, answer.latency_ms))
    return found


def split(found: Sequence[tuple[Journey, float]]) -> dict[str, Any]:
    """Means over requests, in milliseconds; ``accounted`` is the share of the client latency found in the traces."""
    ways = [way for way, _ in found]
    if not ways:
        return {"requests": 0}
    # A revised draft passes generation twice, so hops are grouped by service and topic.
    hops: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    work: defaultdict[str, list[float]] = defaultdict(list)
    for way in ways:
        for hop in way.hops:
            took = sum(hop.work.values())
            hops[f"{hop.service} ({hop.topic})"].append(
                {"transit_ms": hop.transit, "work_ms": took, "chassis_ms": hop.chassis}
            )
            for name, part in hop.work.items():
                work[f"{hop.service}: {name}"].append(part)
    count = len(ways)
    return {
        "requests": count,
        "measured_ms": _mean([latency for _, latency in found]),
        "work_ms": _mean([way.work for way in ways]),
        "bus_ms": _mean([way.bus for way in ways]),
        "accounted": round(statistics.mean(way.total / latency for way, latency in found), 3),
        "hops": {
            name: {key: round(sum(one[key] for one in parts) / count, 2) for key in parts[0]}
            for name, parts in hops.items()
        },
        "work": {name: round(sum(parts) / count, 2) for name, parts in sorted(work.items())},
    }


def rails(answers: Sequence[Answer]) -> dict[str, float]:
    """Mean milliseconds of each rail, from its verdicts."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    for answer in answers:
        for verdict in answer.body["verdicts"]:
            took[f"{verdict['rail']} ({verdict['stage']})"].append(verdict["latency_ms"])
    return {name: round(statistics.mean(values), 3) for name, values in sorted(took.items())}


def scorers(outcomes: Sequence[Record]) -> dict[str, float]:
    """Mean milliseconds of each scorer, run again alone on outcomes from the log."""
    cases = [
        case_of(event) for o in outcomes if isinstance(event := decode(topic("outcomes"), o.value), Outcome)
    ]
    return (
        {
            name: round(_mean([_timed(scorer.function, case) for case in cases]), 3)
            for name, scorer in SCORERS.items()
        }
        if cases
        else {}
    )


def slowest(took: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The slowest of all rails and scorers."""
    kind, name, value = max(
        ((k, n, v) for k, found in took.items() for n, v in found.items()), key=lambda one: one[2]
    )
    return {"kind": kind, "name": name, "mean_ms": value}


def _timed(function: Any, case: Any) -> float:
    began = time.perf_counter()
    function(case)
    return (time.perf_counter() - began) * 1000


def _mean(values: Sequence[float]) -> float:
    return round(statistics.mean(values), 2)

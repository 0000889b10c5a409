"""The gateway's section of docs/benchmarks.md, from the committed results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.overhead.tables import Table

_IDLE_LOAD = 1.0
RESULTS = Path(__file__).parent / "results"

HEAD = """## Added latency of the gateway

The same request at {rate:g}/s over Kafka and over HTTP: without retrieval, cache and rails, with a stub model that answers at
once. Each of {rounds} rounds sends both ways for {seconds:g} s in turns; every second round is reversed. Differences and
ratios are computed within a round; the table shows their median and range.
`python -m benchmarks.gateway.latency` measures it on an embedded stack.

{measured}
"""

WORK = """For each call, the gateway looks the key up in its cache, validates the body, stores the request's id in PostgreSQL,
publishes the request, and reads the response from its own consumer. The client of Kafka publishes and reads by itself.
"""

REFUSALS = """## Time of a refused API key

A refusal has the same status, headers and body for each reason, and does the same work: one look-up, one hash, two
comparisons. `python -m benchmarks.gateway.refusals` measures {calls} calls for each reason in random order, one at a time.
The highest median is {spread:.3f} times the lowest.

{measured}
"""


def section() -> str:
    """Latency and refusals."""
    latency, refusals = (
        json.loads((RESULTS / f"{n}.json").read_text("utf-8")) for n in ("latency", "refusals")
    )
    plan = latency["plan"]
    calls = next(iter(refusals["reasons"].values()))["calls"]
    return "\n".join(
        [
            HEAD.format(**plan, measured=_measured(latency)),
            latencies(latency).markdown(),
            "",
            WORK,
            REFUSALS.format(
                calls=calls, spread=refusals["highest_to_lowest_median"], measured=_measured(refusals)
            ),
            times(refusals).markdown(),
            "",
        ]
    )


def _measured(result: dict[str, Any]) -> str:
    machine = result["machine"]
    load = machine["load_average_before"]
    busy = " Other work ran on the machine." if load > _IDLE_LOAD else ""
    note = f" {result['note']}" if "note" in result else ""
    return (
        f"Measured {result['measured_at'][:10]} at commit `{result['commit']}` on {machine['cores']} cores, load average "
        f"{load} before the run.{busy}{note}"
    )


def latencies(result: dict[str, Any]) -> Table:
    """Medians over rounds of each way, and what it adds to Kafka."""
    rows = []
    for way, found in result["latencies"].items():
        added = result["added"].get(way, {})
        rows.append(
            [
                way,
                f"{found['p50_ms']:.1f} / {found['p99_ms']:.1f}",
                *(_spread(added.get(f"{figure}_ms"), ".1f") for figure in ("p50", "p99")),
                *(_spread(added.get(f"{figure}_ratio"), ".2f") for figure in ("p50", "p99")),
            ]
        )
    head = ["way", "p50 / p99, ms", "added to p50, ms", "added to p99, ms", "ratio of p50", "ratio of p99"]
    return Table("Added latency of the gateway", head, rows)


def _spread(found: dict[str, float] | None, form: str) -> str:
    if found is None:
        return ""
    return f"{found['median']:{form}} ({found['min']:{form}} to {found['max']:{form}})"


def times(result: dict[str, Any]) -> Table:
    """Percentiles of each reason's times."""
    rows = [
        [name, *(f"{found[f'p{p}_ms']:.2f}" for p in (10, 50, 90, 99)), f"{found['median_ratio']:.3f}"]
        for name, found in result["reasons"].items()
    ]
    head = ["reason", "p10, ms", "p50, ms", "p90, ms", "p99, ms", "median / median of all"]
    return Table("Time of a refused API key", head, rows)

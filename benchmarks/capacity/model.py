"""The capacity model: cores, pods, partitions and bytes at a given rate, from measured costs.

``python -m benchmarks.capacity.model [--rate 10000] [--hits 0.3]`` prints the tables of ``docs/scale.md``. The
figures come from ``results/embedded.json``; the assumptions are parameters.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "embedded.json"
SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")
SERVERS = ("embeddings", "kafka", "postgres")
DAY = 86_400


@dataclass(frozen=True)
class Assumptions:
    """Parameters that are not measured.

    Attributes:
        rate: requests per second.
        hits: share of requests that the cache answers.
        feedback: feedback events per request.
        utilisation: planned load of a core; the rest is reserved for peaks and fail-over.
        replicas: replicas of each record on Kafka.
        model_tokens: tokens per answer.
        gpu_tokens: tokens per second of one GPU over all its requests.
    """

    rate: float = 10_000
    hits: float = 0.3
    feedback: float = 0.05
    utilisation: float = 0.6
    replicas: int = 3
    model_tokens: int = 150
    gpu_tokens: int = 2_500


def cpu_ms(measured: dict[str, Any], name: str, given: Assumptions) -> float:
    """CPU milliseconds of a process per request: the weighted mean of hits and misses, plus feedback."""
    path = {
        phase: measured[phase]["cpu_ms"].get(name, 0.0) for phase in ("full_path", "cache_hit", "feedback")
    }
    mixed = given.hits * path["cache_hit"] + (1 - given.hits) * path["full_path"]
    return float(mixed + given.feedback * path["feedback"])


def mixed_bytes(measured: dict[str, Any], field: str, given: Assumptions) -> float:
    """Bytes per request: the weighted mean of hits and misses, plus feedback; figures by topic are summed."""

    def total(phase: str) -> float:
        found = measured[phase][field]
        return float(sum(found.values()) if isinstance(found, dict) else found)

    mixed = given.hits * total("cache_hit") + (1 - given.hits) * total("full_path")
    return mixed + given.feedback * total("feedback")


def processes(measured: dict[str, Any], given: Assumptions) -> list[tuple[str, float, float, int]]:
    """Name, CPU milliseconds per request, requests per second of one core, and cores at the given rate."""
    rows = []
    for name in (*SERVICES, *SERVERS):
        cost = cpu_ms(measured, name, given)
        cores = given.rate * cost / 1000 / given.utilisation
        rows.append((name, cost, 1000 / cost, math.ceil(cores)))
    return rows


def tables(measured: dict[str, Any], given: Assumptions) -> str:
    """Both tables, as Markdown."""
    lines = [
        "| process | CPU ms per request | requests/s of one core | cores |",
        "| --- | ---: | ---: | ---: |",
    ]
    rows = processes(measured, given)
    lines += [f"| {name} | {cost:.2f} | {rate:,.0f} | {cores:,} |" for name, cost, rate, cores in rows]
    pods = max(cores for name, _, _, cores in rows if name in SERVICES)
    log, wal = mixed_bytes(measured, "kafka_bytes", given), mixed_bytes(measured, "wal_bytes", given)
    growth = mixed_bytes(measured, "database_bytes", given)
    missed = given.rate * (1 - given.hits)
    figures = [
        ("partitions of each topic: at least the pods of the largest service", f"{pods:,}"),
        ("Kafka, written by clients", f"{log / 1000:.1f} kB a request, {given.rate * log / 1e6:,.0f} MB/s"),
        ("Kafka, disks of all brokers", f"{given.rate * log * given.replicas / 1e6:,.0f} MB/s"),
        ("Kafka, a day kept", f"{given.rate * log * given.replicas * DAY / 1e12:,.1f} TB"),
        ("PostgreSQL, write-ahead log", f"{wal / 1000:.1f} kB a request, {given.rate * wal / 1e6:,.0f} MB/s"),
        ("PostgreSQL, growth in a day", f"{given.rate * growth * DAY / 1e12:,.1f} TB"),
        (
            "GPUs for the chat model (assumed speed)",
            f"{math.ceil(missed * given.model_tokens / given.gpu_tokens):,}",
        ),
    ]
    lines += [
        "",
        "| figure | value |",
        "| --- | ---: |",
        *(f"| {name} | {value} |" for name, value in figures),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=Assumptions.rate)
    parser.add_argument("--hits", type=float, default=Assumptions.hits)
    options = parser.parse_args()
    print(tables(json.loads(RESULT.read_text("utf-8")), Assumptions(rate=options.rate, hits=options.hits)))


if __name__ == "__main__":
    main()

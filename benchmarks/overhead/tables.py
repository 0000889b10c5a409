"""Tables of a result, for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table as RichTable

from benchmarks.overhead.plan import RATES
from benchmarks.overhead.ratios import BUS, FULL, HIT, RAW, goals

Result = dict[str, Any]
# Processes that all contenders share, including Septet's trace receiver, broker and database.
SERVERS = ("kafka", "postgres", "embeddings", "traces", "model")
SHOWN_MS = 0.05
"""Rails and scorers below this are not listed."""
ENOUGH = 50
"""Least number of responses of a phase for a 99th percentile."""


@dataclass(frozen=True)
class Table:
    """A table of text; the first column has names, the others figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich__(self) -> RenderableType:
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for place, column in enumerate(self.head):
            table.add_column(column, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The table in Markdown, without its title."""
        lines = [self.head, ["---", *(["---:"] * (len(self.head) - 1))], *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(result: Result) -> list[Table]:
    """All tables, in reading order."""
    return [made(result) for made in (ratios, chains, paths, failures, cpu, limit_cpu, busy_cpu, where)]


def ratios(result: Result) -> Table:
    """Each ratio with its spread and its goal, if any."""
    wanted = {goal.ratio: goal for goal in goals(result["contenders"])}
    rows = []
    for name, value in result["ratios"].items():
        spread, goal = result["spread"][name], wanted.get(name)
        verdict = "" if goal is None else "met" if goal.met(value) else "missed"
        span = f"{spread['min']:.3g} to {spread['max']:.3g}"
        rounds = ", ".join(f"{one:.3g}" for one in spread["runs"])
        rows.append([name, f"{value:.3g}", span, rounds, str(goal or ""), verdict])
    return Table(
        "Ratios (median and range over rounds)", ["ratio", "median", "range", "by round", "goal", ""], rows
    )


def chains(result: Result) -> Table:
    """Chains without work: latency by rate, and the highest rate."""
    rows = []
    for name, runs in _of_kind(result, "bus"):
        cells = [latency(r["rates"].get(f"{rate:g}") for r in runs) for rate in RATES]
        rows.append([name, *cells, over(r["highest_rate"]["held"] for r in runs)])
    head = ["chain", *(f"at {rate}/s" for rate in RATES), "highest rate held"]
    return Table("Chains: p50 / p99 in ms (medians over rounds)", head, rows)


def paths(result: Result) -> Table:
    """The whole path: throughput at a fixed concurrency, latency by rate, and the highest rate."""
    plan, rows = result["plan"], []
    for name, runs in [*_of_kind(result, "full"), *_of_kind(result, "hit")]:
        cells = [
            latency(r["rates"][f"{rate:g}"] for r in runs if f"{rate:g}" in r["rates"])
            for rate in plan["full_rates"]
        ]
        rate = over(r["concurrent"]["rate"] for r in runs)
        held = over(r["highest_rate"]["held"] for r in runs) if "highest_rate" in runs[0] else ""
        rows.append([name, rate, latency(r["concurrent"] for r in runs), *cells, held])
    busy = f"{plan['in_flight']} in flight"
    head = [
        "path",
        f"responses/s, {busy}",
        busy,
        *(f"at {rate:g}/s" for rate in plan["full_rates"]),
        "highest rate held",
    ]
    return Table("Whole path: p50 / p99 in ms (medians over rounds)", head, rows)


def failures(result: Result) -> Table:
    """Failed requests by contender, without the search for the highest rate.

    Also the responses without one side of the search or without the embedding of the answer, with many requests in flight.
    """
    rows = []
    for name, found in result["contenders"].items():
        phases = [
            sample
            for run in found["runs"]
            for sample in (*run["rates"].values(), run.get("concurrent"))
            if sample
        ]
        answered, failed = (sum(sample[count] for sample in phases) for count in ("responses", "failures"))
        first = next((sample["first_failure"] for sample in phases if sample["failures"]), "")
        busy = [
            run["concurrent"]["given_up"] for run in found["runs"] if "given_up" in run.get("concurrent", {})
        ]
        without = [f"{sum(one[part] for one in busy):,}" if busy else "" for part in ("search", "embedding")]
        rows.append([name, f"{answered:,}", f"{failed:,}", first, *without])
    in_flight = f", {result['plan']['in_flight']} in flight"
    head = ["contender", "responses", "failures", "the first"]
    head += [f"without one side of the search{in_flight}", f"without the answer's embedding{in_flight}"]
    return Table("Failures and skipped work", head, rows)


def cpu(result: Result) -> Table:
    """CPU milliseconds per request at 10 requests a second, by process."""
    found = {
        name: _medians(
            [r["rates"]["10"]["cpu_ms"] for r in result["contenders"][name]["runs"] if r["rates"].get("10")]
        )
        for name in (RAW, BUS, FULL, HIT)
    }
    rows = _by_process(found, 1)
    rows.append(["Kafka, bytes", *(_bytes(result, n, "kafka_bytes") for n in found)])
    rows.append(["PostgreSQL's log, bytes", *(_bytes(result, n, "wal_bytes") for n in found)])
    return Table("CPU ms per request at 10/s, and bytes per request", ["process", *found], rows)


def limit_cpu(result: Result) -> Table:
    """CPU milliseconds per request at the highest rate held, by process."""
    found, steps = limit_costs(result), {name: _best_steps(result, name) for name in (RAW, BUS)}
    rows, cores = _by_process(found, 2), result["machine"]["cores"]
    busy = ([sum(s["cpu_ms"].values()) * s["rate"] / 1000 / cores for s in held] for held in steps.values())
    rows.append(["share of all cores", *(f"{statistics.median(b):.0%}" if b else "" for b in busy)])
    return Table("CPU ms per request at the highest rate held", ["process", *found], rows)


def limit_costs(result: Result) -> dict[str, dict[str, float]]:
    """CPU milliseconds per request at the highest rate held, by chain and process: medians over rounds."""
    return {name: _medians([step["cpu_ms"] for step in _best_steps(result, name)]) for name in (RAW, BUS)}


def _best_steps(result: Result, name: str) -> list[dict[str, Any]]:
    """The step with the highest rate held, for each round."""
    found = []
    for run in result["contenders"][name]["runs"]:
        held = [step for step in run["highest_rate"]["steps"] if step["held"]]
        if held:
            found.append(max(held, key=lambda step: float(step["rate"])))
    return found


def _by_process(found: dict[str, dict[str, float]], digits: int) -> list[list[str]]:
    """A row for each process and a row with their sum."""
    processes = sorted({process for one in found.values() for process in one})
    rows = [[p, *(f"{one[p]:.{digits}f}" if p in one else "" for one in found.values())] for p in processes]
    rows.append(["all", *(f"{sum(one.values()):.{digits}f}" if one else "" for one in found.values())])
    return rows if processes else []


def _medians(costs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {p: statistics.median(one[p] for one in costs) for p in costs[0]} if costs else {}


def busy_cpu(result: Result) -> Table:
    """CPU milliseconds per response with many requests in flight: the contender's own processes and the servers."""
    rows = []
    for name, runs in [*_of_kind(result, "full"), *_of_kind(result, "hit")]:
        sums = [own_and_servers(run["concurrent"]["cpu_ms"]) for run in runs]
        own, servers = (statistics.median(column) for column in zip(*sums, strict=True))
        rows.append([name, f"{own:.1f}", f"{servers:.1f}", f"{own + servers:.1f}"])
    title = f"CPU ms per response, {result['plan']['in_flight']} in flight (medians over rounds)"
    return Table(title, ["path", "own processes", "servers", "all"], rows)


def own_and_servers(cpu_ms: Mapping[str, float]) -> tuple[float, float]:
    """CPU milliseconds of the contender's own processes, and of the servers."""
    servers = sum(ms for process, ms in cpu_ms.items() if process in SERVERS)
    return sum(cpu_ms.values()) - servers, servers


def where(result: Result) -> Table:
    """Where the time of a request goes: per hop transit, chassis and work."""
    rows = []
    for name in (BUS, FULL, HIT):
        inside = result["septet"][name]["inside"]
        for hop, parts in inside.get("hops", {}).items():
            rows.append(
                [
                    f"{name}: {hop}",
                    *(f"{parts[part]:.1f}" for part in ("transit_ms", "chassis_ms", "work_ms")),
                ]
            )
        if inside["requests"]:
            work, bus = f"{inside['work_ms']:.1f}", f"{inside['bus_ms']:.1f} in all"
            rows.append([f"{name}: all, with delivery", bus, "", work])
            measured = f"{inside['measured_ms']:.1f} measured"
            rows.append([f"{name}: seen by the client", measured, "", f"{inside['accounted']:.0%} found"])
    return Table("Where the time goes, ms (means)", ["hop", "transit", "chassis", "work"], rows)


def _of_kind(result: Result, kind: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    return ((n, found["runs"]) for n, found in result["contenders"].items() if found["kind"] == kind)


def latency(samples: Iterable[dict[str, Any] | None]) -> str:
    """Median and 99th percentile in ms, of each the median over the samples.

    Omits the 99th percentile for samples with few responses. Adds the number of rounds that held the rate, if not all did.
    Empty without samples.
    """
    tried = list(samples)
    known = [s for s in tried if s and s["responses"]]
    if not known:
        return "not held" if tried else ""
    few = max(s["responses"] for s in known) < ENOUGH
    shown = [
        statistics.median(s[f"{figure}_ms"] for s in known)
        for figure in (("p50",) if few else ("p50", "p99"))
    ]
    rounds = "" if len(known) == len(tried) else f" ({len(known)} of {len(tried)} rounds)"
    return " / ".join(f"{value:,.1f}" for value in shown) + rounds


def over(values: Iterable[float]) -> str:
    """Median over rounds."""
    return f"{statistics.median(list(values)):,.1f}"


def _bytes(result: Result, name: str, figure: str) -> str:
    found = result["septet"].get(name, {}).get(figure)
    return "" if found is None else f"{found:,}"

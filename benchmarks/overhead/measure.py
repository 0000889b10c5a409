"""One run of the benchmark: starts all contenders once and measures them in turns."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.overhead import inside, loops
from benchmarks.overhead.contender import PATH
from benchmarks.overhead.phases import Advance, Bench, Subject, per_request
from benchmarks.overhead.plan import Plan
from benchmarks.overhead.prepare import IN_FLIGHT, Own, ask, probe, start, started
from benchmarks.overhead.ratios import summarise
from benchmarks.overhead.raw import RawChain
from benchmarks.overhead.septet import Answer, RunningSeptet
from benchmarks.overhead.spans import Journey
from benchmarks.peers.contenders import contenders

ROOT = Path(__file__).parents[2]
IDLE_S, TRACED_RATE, WARM_CHAIN_S = 5.0, 5, 3.0


async def measure(plan: Plan, without: Collection[str], advance: Advance) -> dict[str, Any]:
    """Start, measure and stop all contenders; return the result.

    Args:
        plan: durations of the run.
        without: names of excluded contenders.
        advance: called with the current step.
    """
    begun = circumstances()
    async with AsyncExitStack() as exits:
        on = await exits.enter_async_context(started(plan, advance))
        own = await probe(on, plan, exits)
        subjects = [own.bus, own.full, own.hit]
        left_out: dict[str, str] = {}
        for contender in (RawChain(), *contenders()):
            if reason := "excluded with --without" if contender.name in without else contender.missing():
                left_out[contender.name] = reason
                continue
            advance(f"starting {contender.name}", 0)
            subjects.append(await start(contender, replace(on.place, load=own.load), exits))
        bench = Bench(plan, on.stack, on.beside, advance)
        await _warm_up(bench, subjects)
        own.found["idle_cpu_ms_per_s"] = await _idle(bench, subjects)
        await _rounds(bench, subjects, own)
        result = _result(plan, begun, subjects, own, left_out)
    return result | summarise(result["contenders"])


async def _warm_up(bench: Bench, subjects: Sequence[Subject]) -> None:
    """Warm up all contenders: on the whole path, the same number of requests for each process that caches embeddings."""
    for subject in subjects:
        bench.advance(f"warming up {subject.contender.name}", 0)
        if subject.contender.kind == "full":
            caches = 1 if isinstance(subject.running, RunningSeptet) else len(subject.running.pids())
            await ask(subject, bench.plan.warm_path * caches)
        else:
            await loops.closed_loop(subject.running.send, subject.numbers, IN_FLIGHT, WARM_CHAIN_S)


async def _idle(bench: Bench, subjects: Sequence[Subject]) -> dict[str, float]:
    """CPU milliseconds per second of each process without load."""
    await asyncio.sleep(bench.plan.pause)
    before = [bench.cpu(subject.running) for subject in subjects]
    await asyncio.sleep(IDLE_S)
    idle: dict[str, float] = {}
    for subject, then in zip(subjects, before, strict=True):
        own = set(subject.running.pids())
        cost = per_request(then, bench.cpu(subject.running), round(IDLE_S))
        kind = "septet" if isinstance(subject.running, RunningSeptet) else subject.contender.name
        idle |= {f"{kind}: {n}" if n in own else n: c for n, c in cost.items()}
    return dict(sorted(idle.items()))


async def _rounds(bench: Bench, subjects: list[Subject], own: Own) -> None:
    chains = [s for s in subjects if s.contender.kind == "bus"]
    paths = [s for s in subjects if s.contender.kind != "bus"]
    traced = [_Traced(own.bus), _Traced(own.full), _Traced(own.hit)]
    for number in range(bench.plan.rounds):
        bench.advance(f"round {number + 1} of {bench.plan.rounds}", 0)
        for subject in subjects:
            subject.runs.append({"rates": {}})
        for group, measure_round in ((chains, bench.chain_round), (paths, bench.path_round)):
            await measure_round(round_order(group, number))
        for each in traced:
            await each.trace(bench)
    for each in traced:
        own.found.setdefault(each.subject.contender.name, {})["inside"] = inside.split(each.ways)
    answers = traced[1].answers
    own.found["rails_ms"] = rails = inside.rails(answers)
    own.found["slowest"] = inside.slowest({"rail": rails, "scorer": own.found["scorers_ms"]})
    own.found["answered"] = sum(a.body["status"] == "answered" for a in answers) / max(1, len(answers))


def round_order(group: Sequence[Subject], number: int) -> list[Subject]:
    """The order of contenders in a round.

    Each round starts with the next contender, because the first one finds cold caches. Every second round is reversed, so
    that no contender always follows the same one.
    """
    at = number % len(group)
    order = [*group[at:], *group[:at]]
    return order if number % 2 == 0 else [order[0], *reversed(order[1:])]


@dataclass
class _Traced:
    """A subject with the traces of its requests."""

    subject: Subject
    answers: list[Answer] = field(default_factory=list)
    ways: list[tuple[Journey, float]] = field(default_factory=list)

    async def trace(self, bench: Bench) -> None:
        """Send a few requests at a low rate and read their traces."""
        running, addresses = self.subject.running, bench.stack.addresses
        assert isinstance(running, RunningSeptet)
        assert addresses is not None
        bench.advance(f"tracing {self.subject.contender.name}", 0)
        count = bench.plan.traced
        await loops.open_loop(running.send, self.subject.numbers, TRACED_RATE, count / TRACED_RATE)
        last = list(running.answers)[-count:]
        self.answers += last
        self.ways += await inside.journeys(addresses.traces_url, last)


def _result(
    plan: Plan, begun: Mapping[str, Any], subjects: Sequence[Subject], own: Own, left_out: Mapping[str, str]
) -> dict[str, Any]:
    return {
        **begun,
        "plan": asdict(plan),
        "record_bytes": dict(zip(PATH, own.load.record_bytes, strict=True)),
        "contenders": {
            s.contender.name: {"kind": s.contender.kind, "note": s.contender.note, "runs": s.runs}
            for s in subjects
        },
        "left_out": dict(left_out),
        "septet": own.found,
    }

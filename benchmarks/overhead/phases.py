"""The phases of a round: one measurement of one contender, with the CPU time of all processes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from septet_native.stack.stack import Stack

from benchmarks.capacity.meter import cpu_seconds
from benchmarks.overhead import loops
from benchmarks.overhead.contender import Contender, Running
from benchmarks.overhead.loops import Sample
from benchmarks.overhead.plan import RATES, Plan

# Closer to the highest rate held, the phase would measure a queue.
HEADROOM = 0.95
# Suffix of a scorer that had no embedding.
LEXICAL = " lexical"
Advance = Callable[[str, float], None]


@dataclass
class Subject:
    """A running contender and its measurements, one run per round.

    It has its own ``numbers``, so that it gets each question once before one repeats.
    """

    contender: Contender
    running: Running
    numbers: Iterator[int] = field(default_factory=itertools.count)
    runs: list[dict[str, Any]] = field(default_factory=list)
    held: float = 0.0

    @property
    def run(self) -> dict[str, Any]:
        """The run of the current round."""
        return self.runs[-1]


@dataclass
class Bench:
    """State of all phases. ``advance`` is called with the current step and the elapsed seconds of the last one."""

    plan: Plan
    stack: Stack
    beside: Mapping[str, int]
    advance: Advance

    def cpu(self, running: Running) -> dict[str, float]:
        """CPU seconds of each process, with its children: the contender's by role, the servers' by name."""
        servers = {p.name: p.pid for p in self.stack.status() if p.kind == "server" and p.pid is not None}
        return {n: cpu_seconds(pid) for n, pid in ({**servers, **self.beside} | dict(running.pids())).items()}

    async def rate(self, subject: Subject, rate: float, seconds: float) -> None:
        """Measure latency and CPU per request at a rate; skip a rate that the contender does not hold."""
        if rate > subject.held * HEADROOM:
            subject.run["rates"][f"{rate:g}"] = None
            self.advance(
                f"{subject.contender.name}: {rate:g}/s is above its highest rate", seconds + self.plan.pause
            )
            return
        self.advance(f"{subject.contender.name} at {rate:g}/s", 0)
        before = self.cpu(subject.running)
        sample = await loops.open_loop(subject.running.send, subject.numbers, rate, seconds)
        await self._rest(seconds)
        cost = per_request(before, self.cpu(subject.running), len(sample.latencies))
        subject.run["rates"][f"{rate:g}"] = figures(sample) | {"cpu_ms": cost}

    async def concurrent(self, subject: Subject) -> None:
        """Measure throughput and latency with a fixed number of requests in flight."""
        plan = self.plan
        self.advance(f"{subject.contender.name} with {plan.in_flight} in flight", 0)
        before = self.cpu(subject.running)
        sample = await loops.closed_loop(subject.running.send, subject.numbers, plan.in_flight, plan.closed)
        await self._rest(plan.closed)
        cost = per_request(before, self.cpu(subject.running), len(sample.latencies))
        subject.run["concurrent"] = figures(sample) | {"cpu_ms": cost, "given_up": given_up(sample)}

    async def highest_rate(self, subject: Subject) -> None:
        """Search the highest rate held, starting from the rate of a closed loop."""
        plan, name = self.plan, subject.contender.name
        if subject.held:
            start, steps = subject.held, plan.steps
        else:
            sample = await loops.closed_loop(
                subject.running.send, subject.numbers, plan.in_flight, plan.step / 2
            )
            start, steps = max(1.0, sample.rate * 0.7), plan.first_steps
        taken: list[dict[str, Any]] = []

        async def step(rate: float) -> Sample:
            self.advance(f"{name}: does it hold {rate:.0f}/s?", 0)
            before = self.cpu(subject.running)
            sample = await loops.open_loop(subject.running.send, subject.numbers, rate, plan.step)
            await self._rest(plan.step)
            cost = per_request(before, self.cpu(subject.running), len(sample.latencies))
            taken.append({"asked": round(rate, 1), "held": sample.held, **figures(sample), "cpu_ms": cost})
            return sample

        held, lost = await loops.highest_rate(step, start, steps)
        self.advance(name, (steps - len(taken)) * (plan.step + plan.pause))
        # If no rate was held, the next round starts from the earlier result, and this run records zero.
        subject.held = held or subject.held
        subject.run["highest_rate"] = {
            "held": round(held, 1),
            "not_held": None if lost == float("inf") else round(lost, 1),
            "steps": taken,
        }

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(self.plan.pause)
        self.advance("", seconds + self.plan.pause)

    async def chain_round(self, subjects: list[Subject]) -> None:
        """A round of the chains without work: each phase on all chains in turn, then the next phase."""
        for subject in subjects:
            await self.highest_rate(subject)
        for rate, seconds in zip(RATES, self.plan.seconds, strict=True):
            for subject in subjects:
                await self.rate(subject, rate, seconds)

    async def path_round(self, subjects: list[Subject]) -> None:
        """A round of the whole path: all contenders at a fixed concurrency, Septet also at fixed rates."""
        for subject in subjects:
            await self.concurrent(subject)
        own = [s for s in subjects if s.contender.name.startswith("septet")]
        for subject in own:
            await self.highest_rate(subject)
        for rate, seconds in zip(self.plan.full_rates, self.plan.full_seconds, strict=True):
            for subject in own:
                await self.rate(subject, rate, seconds)


def per_request(before: Mapping[str, float], after: Mapping[str, float], requests: int) -> dict[str, float]:
    """CPU milliseconds per request by process, including its idle use."""
    count = max(1, requests)
    return {n: round((used - before.get(n, used)) * 1000 / count, 2) for n, used in sorted(after.items())}


def given_up(sample: Sample) -> dict[str, int]:
    """Number of responses without a part that ran out of time: one side of the ``search``, or the ``embedding`` of the
    answer, whose relevance is then scored by words alone.

    Excludes answers from the cache, which are not embedded again.
    """
    made = [body for body in sample.bodies if body.get("answer_kind") != "cached"]
    return {
        "search": sum(any(p.startswith("retrieval.") for p in body.get("degraded", ())) for body in made),
        "embedding": sum(any(s["scorer"].endswith(LEXICAL) for s in body["scores"]) for body in made),
    }


def figures(sample: Sample) -> dict[str, Any]:
    """A sample in the result: milliseconds and requests per second."""
    return {
        "responses": len(sample.latencies),
        "failures": len(sample.failures),
        "rate": round(sample.rate, 2),
        "p50_ms": round(sample.p50 * 1000, 2),
        "p99_ms": round(sample.p99 * 1000, 2),
        "behind_ms": round(sample.behind * 1000, 2),
        **({"first_failure": sample.failures[0]} if sample.failures else {}),
    }

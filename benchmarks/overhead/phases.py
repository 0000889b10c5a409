"""The phases of a round: one measurement of one contender, with the CPU time of all processes around it."""

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

# A rate that is nearer than this to the highest one held would measure a queue.
HEADROOM = 0.95
# How a scorer says that it had no embedding.
LEXICAL = " lexical"
Advance = Callable[[str, float], None]


@dataclass
class Subject:
    """A started contender and what was measured on it; a run is what one round found.

    ``numbers`` are its own: it meets every question once before it meets one again.
    """

    contender: Contender
    running: Running
    numbers: Iterator[int] = field(default_factory=itertools.count)
    runs: list[dict[str, Any]] = field(default_factory=list)
    held: float = 0.0

    @property
    def run(self) -> dict[str, Any]:
        """Of the round that goes on."""
        return self.runs[-1]


@dataclass
class Bench:
    """What all phases share. ``advance`` is told what has begun and how many seconds have been used."""

    plan: Plan
    stack: Stack
    beside: Mapping[str, int]
    advance: Advance

    def cpu(self, running: Running) -> dict[str, float]:
        """CPU seconds of each process: the contender's by role, the servers' by name, children included."""
        servers = {p.name: p.pid for p in self.stack.status() if p.kind == "server" and p.pid is not None}
        return {n: cpu_seconds(pid) for n, pid in ({**servers, **self.beside} | dict(running.pids())).items()}

    async def rate(self, subject: Subject, rate: float, seconds: float) -> None:
        """Latency at a rate, and CPU per request; not measured where the contender does not hold that rate."""
        if rate > subject.held * HEADROOM:
            subject.run["rates"][f"{rate:g}"] = None
            self.advance(
                f"{subject.contender.name}: {rate:g}/s is above what it holds", seconds + self.plan.pause
            )
            return
        self.advance(f"{subject.contender.name} at {rate:g}/s", 0)
        before = self.cpu(subject.running)
        sample = await loops.open_loop(subject.running.send, subject.numbers, rate, seconds)
        await self._rest(seconds)
        cost = per_request(before, self.cpu(subject.running), len(sample.latencies))
        subject.run["rates"][f"{rate:g}"] = figures(sample) | {"cpu_ms": cost}

    async def concurrent(self, subject: Subject) -> None:
        """Throughput and latency of a fixed number of requests in flight."""
        plan = self.plan
        self.advance(f"{subject.contender.name} with {plan.in_flight} in flight", 0)
        before = self.cpu(subject.running)
        sample = await loops.closed_loop(subject.running.send, subject.numbers, plan.in_flight, plan.closed)
        await self._rest(plan.closed)
        cost = per_request(before, self.cpu(subject.running), len(sample.latencies))
        subject.run["concurrent"] = figures(sample) | {"cpu_ms": cost, "given_up": given_up(sample)}

    async def highest_rate(self, subject: Subject) -> None:
        """The highest rate that it holds; the first guess is what a closed loop reached."""
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
        # Nothing was held in this round: what is known of the one before stays the guess, and the run says zero.
        subject.held = held or subject.held
        subject.run["highest_rate"] = {
            "held": round(held, 1), "not_held": None if lost == float("inf") else round(lost, 1), "steps": taken,
        }  # fmt: skip

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(self.plan.pause)
        self.advance("", seconds + self.plan.pause)

    async def chain_round(self, subjects: list[Subject]) -> None:
        """A round of the chains without work: each measure on all of them in turn, then the next measure."""
        for subject in subjects:
            await self.highest_rate(subject)
        for rate, seconds in zip(RATES, self.plan.seconds, strict=True):
            for subject in subjects:
                await self.rate(subject, rate, seconds)

    async def path_round(self, subjects: list[Subject]) -> None:
        """A round of the whole path: the peers at a fixed concurrency, Septet at rates, too."""
        for subject in subjects:
            await self.concurrent(subject)
        own = [s for s in subjects if s.contender.name.startswith("septet")]
        for subject in own:
            await self.highest_rate(subject)
        for rate, seconds in zip(self.plan.full_rates, self.plan.full_seconds, strict=True):
            for subject in own:
                await self.rate(subject, rate, seconds)


def per_request(before: Mapping[str, float], after: Mapping[str, float], requests: int) -> dict[str, float]:
    """CPU milliseconds by process for each request, what the process uses when idle included."""
    count = max(1, requests)
    return {n: round((used - before.get(n, used)) * 1000 / count, 2) for n, used in sorted(after.items())}


def given_up(sample: Sample) -> dict[str, int]:
    """How many responses say that something was given up for lack of time: ``search`` one side of it, ``embedding``
    that of the answer, whose relevance is then scored by words alone.

    An answer from the cache was scored when it was made, and is not embedded.
    """
    made = [body for body in sample.bodies if body.get("answer_kind") != "cached"]
    return {
        "search": sum(any(p.startswith("retrieval.") for p in body.get("degraded", ())) for body in made),
        "embedding": sum(any(s["scorer"].endswith(LEXICAL) for s in body["scores"]) for body in made),
    }


def figures(sample: Sample) -> dict[str, Any]:
    """A sample as it is written: milliseconds and requests per second."""
    return {
        "responses": len(sample.latencies), "failures": len(sample.failures), "rate": round(sample.rate, 2),
        "p50_ms": round(sample.p50 * 1000, 2), "p99_ms": round(sample.p99 * 1000, 2),
        "behind_ms": round(sample.behind * 1000, 2),
        **({"first_failure": sample.failures[0]} if sample.failures else {}),
    }  # fmt: skip

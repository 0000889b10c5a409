"""Preparation before the first round: starts the stack, ingests the corpus and probes Septet."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from septet_cache.domain.admission import is_volatile
from septet_cli.tail import tail
from septet_cli.wire import Record
from septet_contracts import topic
from septet_native.stack.stack import Stack

from benchmarks.capacity import workload
from benchmarks.capacity.meter import Meter
from benchmarks.overhead import inside, loops
from benchmarks.overhead.contender import PATH, Contender, Load, Place
from benchmarks.overhead.phases import Advance, Subject
from benchmarks.overhead.plan import Plan
from benchmarks.overhead.septet import BUS, FULL, HIT, RunningSeptet, Septet, from_cache, stack

# Of eighteen forms, tried with forty titles each, those without abstentions, so that the model is called.
FORMS = ("What does {} do?", "What is {} for?", "What is {}?")
PROBED, IN_FLIGHT, FILLED = 60, 4, 80


@dataclass(frozen=True)
class Started:
    """A running stack with an indexed corpus; ``beside`` has the pids of further processes."""

    stack: Stack
    beside: Mapping[str, int]
    place: Place
    documents: int
    passages: int


@asynccontextmanager
async def started(plan: Plan, advance: Advance) -> AsyncIterator[Started]:
    """Start the stack and ingest the corpus."""
    async with stack(lambda name, state: advance(f"{name}: {state}", 0)) as (servers, beside):
        assert servers.addresses is not None
        found = workload.documents(plan.documents)
        advance(f"ingesting {len(found)} documents", 0)
        passages = await workload.ingest(servers.addresses.connection(), found)
        titles = sorted({document.title for document in found if document.title})
        questions = [form.format(title) for form in FORMS for title in titles]
        # Neighbours in the alphabet share passages, whose embeddings would be cached.
        random.Random(1).shuffle(questions)
        load = Load(questions, (), topic(PATH[0]).partitions)
        with tempfile.TemporaryDirectory(prefix="septet-bench-logs-") as logs:
            place = Place(servers.addresses, load, Path(logs))
            yield Started(servers, beside, place, len(found), passages)


@dataclass
class Own:
    """Septet's running contenders and the results of their probe."""

    bus: Subject
    full: Subject
    hit: Subject
    load: Load
    found: dict[str, Any]


async def start(contender: Contender, place: Place, exits: AsyncExitStack) -> Subject:
    """Start a contender; *exits* stops it."""
    return Subject(contender, await exits.enter_async_context(contender.running(place)))


async def probe(on: Started, plan: Plan, exits: AsyncExitStack) -> Own:
    """Start Septet's clients, measure its record sizes and scorers, and fill its cache."""
    place = on.place
    bus = await start(Septet(on.stack, "septet, bus only", "bus", BUS), place, exits)
    full = await start(Septet(on.stack, "septet", "full", FULL), place, exits)
    asked = tuple(place.load.questions[-FILLED:])
    filler = await start(Septet(on.stack, "septet, filling", "full", HIT, asked), place, exits)
    meter = Meter(on.stack)
    found: dict[str, Any] = {"documents": on.documents, "passages": on.passages}
    for subject in (bus, full):
        await _ask(subject, plan.warm_up)
        before = await meter.read()
        outcomes: list[Record] = []
        async with tail(place.addresses.connection(), [topic("outcomes").name], outcomes.append):
            await _ask(subject, PROBED)
        cost = await meter.cost(before, PROBED)
        found[subject.contender.name] = {
            "kafka_bytes": round(sum(cost.kafka_bytes.values())),
            "wal_bytes": round(cost.wal_bytes),
            "record_bytes": {n: round(b / cost.kafka_records[n]) for n, b in cost.kafka_bytes.items()},
        }
    found["scorers_ms"] = inside.scorers(outcomes)
    sizes = found[bus.contender.name]["record_bytes"]
    load = replace(place.load, record_bytes=[sizes[topic(name).name] for name in PATH])
    hit = await start(Septet(on.stack, "septet, cache hit", "hit", HIT, await _fill(filler)), place, exits)
    return Own(bus, full, hit, load, found)


async def ask(subject: Subject, requests: int) -> loops.Sample:
    """Send *requests* requests with low concurrency."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    sample = loops.Sample()

    async def one(number: int) -> None:
        async with slots:
            await loops.one(subject.running.send, number, sample)

    await asyncio.gather(*(one(next(subject.numbers)) for _ in range(requests)))
    return sample


async def _ask(subject: Subject, requests: int) -> None:
    """Send requests that must all succeed.

    Raises:
        RuntimeError: a request failed.
    """
    if failures := (await ask(subject, requests)).failures:
        raise RuntimeError(f"{subject.contender.name}: {failures[0]}")


async def _fill(filler: Subject) -> tuple[str, ...]:
    """Ask questions until the cache holds answers; return the questions that it answers."""
    assert isinstance(filler.running, RunningSeptet)
    for _ in range(2):
        filler.running.answers.clear()
        await _ask(filler, FILLED)
        await asyncio.sleep(1)
    answered = [a.body for a in filler.running.answers if from_cache(a.body)]
    # The cache expires volatile answers before the rounds end.
    hits = {body["question"] for body in answered if not is_volatile(body["question"])}
    if not hits:
        raise RuntimeError("the cache admitted no answer")
    return tuple(sorted(hits))

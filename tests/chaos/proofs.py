"""The checker can fail: each proof runs one scenario twice, with the product as it is and without one safeguard.

The first run must be clean, and the second must be reported; otherwise the proof fails. A suite that finds nothing
in either run would find nothing in the rows as well.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from septet_contracts import topic

from .fleet import SERVICES, Member, intact
from .lab import Lab, Scale, Verdict, lab
from .result import Judged
from .traffic import LABELS, REQUESTS, read_whole

OUTCOMES = topic("outcomes").name


@dataclass(frozen=True)
class Proof:
    """A safeguard, a scenario in which it is needed, and the kind of violation that its absence leads to.

    Attributes:
        name: on the command line.
        without: what the weakened services lack, in words.
        scenario: what happens in both runs, in words.
        kind: the field of :class:`Violations` that must not be empty without the safeguard.
        weakness: of :mod:`tests.chaos.weakened`.
        services: which ones are weakened.
        run: the scenario; returns what the checker says.
    """

    name: str
    without: str
    scenario: str
    kind: str
    weakness: str
    services: tuple[str, ...]
    run: Callable[[Lab], Awaitable[Verdict]]


@dataclass(frozen=True)
class Proved(Judged):
    """What both runs of a proof came to: requests sent, violations by kind, statuses of the responses."""

    name: str
    without: str
    scenario: str
    kind: str
    intact: dict[str, Any]
    weakened: dict[str, Any]


async def prove(proof: Proof, work: Path, seed: int) -> Proved:
    """Run a proof's scenario with the safeguard and without, on fresh servers each time."""
    begin = time.monotonic()
    whole = await _once(proof, work / "intact", seed, weakened=False)
    weakened = await _once(proof, work / "weakened", seed, weakened=True)
    broken = []
    if whole.violations.count:
        broken.append(f"violations with every safeguard in place: {whole.violations}")
    if not getattr(weakened.violations, proof.kind):
        broken.append(f"nothing {proof.kind} without {proof.without}; violations: {weakened.violations}")
    return Proved(
        proof.name,
        proof.without,
        proof.scenario,
        proof.kind,
        _told(whole),
        _told(weakened),
        broken=tuple(broken),
        seconds=round(time.monotonic() - begin, 1),
    )


def unproved(proof: Proof, reason: str, seconds: float) -> Proved:
    """A proof whose scenario broke down."""
    return Proved(
        proof.name,
        proof.without,
        proof.scenario,
        proof.kind,
        {},
        {},
        broken=(reason,),
        seconds=round(seconds, 1),
    )


async def _once(proof: Proof, work: Path, seed: int, *, weakened: bool) -> Verdict:
    async with lab(work, seed, Scale(), services=False) as here:
        await _start(here, proof.weakness, proof.services if weakened else ())
        return await proof.run(here)


async def _start(here: Lab, weakness: str, services: Sequence[str]) -> None:
    """One of each service, without the safeguard where named."""
    for service in SERVICES:
        argv = intact(service)
        if service in services:
            argv = (sys.executable, "-m", "tests.chaos.weakened", service, weakness)
        log = here.work / "services" / f"{service}-0.log"
        member = Member(service, 0, here.environment[service], log, argv)
        await member.start()
        here.fleet.members.append(member)
    await here.fleet.ready()


def _told(verdict: Verdict) -> dict[str, Any]:
    found = {kind: len(ids) for kind, ids in vars(verdict.violations).items() if ids}
    return {"sent": verdict.sent, "violations": found, "statuses": dict(verdict.statuses)}


async def _all_killed(here: Lab) -> Verdict:
    """All services die at once, each with records that it has taken and not handled.

    The database stands still so that there are such records in eval, too: a request that eval has registered is
    never lost, because eval's deadline sweeper answers it.
    """
    # The first records of an assignment wait for the database before they are taken.
    warm = here.traffic()
    await warm.steady(10, 2)
    await here.watch.all_of(warm.sent, 60)
    traffic = here.traffic(conversations=0, deadline_s=45)
    with _standing_still(here.server_pid("postgres")):
        await traffic.steady(200, 1.5)
        await asyncio.sleep(2)
        for member in here.fleet.members:
            member.signal(signal.SIGKILL)
    return await here.verdict(traffic, ordered=False, wait_s=55)


@contextmanager
def _standing_still(pid: int) -> Iterator[None]:
    """Stop a process and all below it while inside."""
    parent = psutil.Process(pid)
    # The parent first: it starts no more children then.
    parent.suspend()
    stopped = [parent]
    try:
        for child in parent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.suspend()
                stopped.append(child)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()


async def _feedback_again(here: Lab) -> Verdict:
    """Each answer gets a thumb, and its reader's client sends that a second time under the same id.

    Raises:
        LookupError: an answer has no label, so that a second one says nothing.
    """
    traffic = here.traffic(conversations=0)
    await traffic.steady(10, 3)
    await here.watch.all_of(traffic.sent, 60)
    for _ in range(2):
        for sent in traffic.sent:
            await traffic.thumb(sent.request_id)
        await here.drained()
    wanted = {s.request_id for s in traffic.sent}
    if len(labels := await here.records(LABELS, wanted)) < len(wanted):
        raise LookupError(f"{len(labels)} labels of {len(wanted)} answers with feedback")
    return await here.verdict(traffic, ordered=False)


async def _everything_again(here: Lab) -> Verdict:
    """Every request and every outcome is published a second time."""
    traffic = here.traffic(conversations=0)
    await traffic.steady(10, 4)
    await here.watch.all_of(traffic.sent, 60)
    for name in (OUTCOMES, REQUESTS):
        for record in await read_whole(here.kafka, name):
            await here.producer.send_and_wait(
                name, record.value, key=record.key, headers=list(record.headers)
            )
    await here.drained()
    return await here.verdict(traffic, ordered=False)


PROOFS: dict[str, Proof] = {
    proof.name: proof
    for proof in (
        Proof(
            "acknowledge",
            "acknowledging after the work (offsets are committed when a record is taken)",
            "300 requests while PostgreSQL stands still, then `kill -9` of all services at once",
            "lost",
            "ack_first",
            SERVICES,
            _all_killed,
        ),
        Proof(
            "inbox",
            "the inbox (each copy of an event counts as the first)",
            "30 answers are given feedback, and the same feedback is sent again",
            "repeated",
            "no_inbox",
            ("feedback",),
            _feedback_again,
        ),
        Proof(
            "release",
            "the compare-and-set of the release",
            "40 requests are answered, then all requests and outcomes are published again",
            "duplicated",
            "no_compare_and_set",
            ("eval",),
            _everything_again,
        ),
    )
}

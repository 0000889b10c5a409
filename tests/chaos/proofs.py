"""The checker can fail: each run takes one safeguard away and must come out with losses or duplicates."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from .fleet import SERVICES
from .lab import Scale, Verdict, lab
from .traffic import REQUESTS, read_whole


@dataclass(frozen=True)
class Proof:
    """A run without a safeguard: how many losses and duplicates the checker reported."""

    without: str
    run: str
    lost: int
    duplicated: int

    @property
    def noticed(self) -> bool:
        """Whether the checker did its work."""
        return self.lost + self.duplicated > 0


async def ack_first(work: Path, seed: int) -> Proof:
    """Offsets are committed before the work is done; then every service dies at once, in the middle of a burst."""
    faults = dict.fromkeys(SERVICES, ("ack_first",))
    async with lab(work, seed, Scale(), faults=faults) as here:
        traffic = here.traffic(conversations=0, deadline_s=20)
        for _ in range(3):
            sending = asyncio.create_task(traffic.steady(150, 2))
            await asyncio.sleep(1.2)
            for member in here.fleet.members:
                member.signal(signal.SIGKILL)
            await sending
        verdict = await here.verdict(traffic, ordered=False, wait_s=45)
    return _proof(
        "manual commits after the work (the default policy acknowledges first)",
        "kill -9 of all services under load",
        verdict,
    )


async def no_inbox(work: Path, seed: int) -> Proof:
    """Every delivery counts as the first; then the requests' topic is published again."""
    return await _again(work, seed, ("eval",), "no_inbox", "the inbox (a known outcome is handled anew)")


async def no_compare_and_set(work: Path, seed: int) -> Proof:
    """Whatever outcome comes is released; then the requests' topic is published again."""
    return await _again(work, seed, ("eval",), "no_compare_and_set", "the compare-and-set of the release")


async def _again(work: Path, seed: int, services: tuple[str, ...], fault: str, without: str) -> Proof:
    async with lab(work, seed, Scale(), faults=dict.fromkeys(services, (fault,))) as here:
        traffic = here.traffic(conversations=0)
        await traffic.steady(10, 4)
        await here.watch.all_of(traffic, 60)
        for record in await read_whole(here.kafka, REQUESTS):
            await here.producer.send_and_wait(REQUESTS, record.value, key=record.key)
        verdict = await here.verdict(traffic, ordered=False, settle_s=12)
    return _proof(without, "every request published again", verdict)


def _proof(without: str, run: str, verdict: Verdict) -> Proof:
    found = verdict.violations
    return Proof(without, run, len(found.lost), len(found.duplicated))


PROOFS: tuple[Callable[[Path, int], Awaitable[Proof]], ...] = (ack_first, no_inbox, no_compare_and_set)

"""A canary that runs: renews its record, compares both sides, and ends when the gate fails or the plan is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from septet_contracts import Canary
from septet_contracts.flow import Flow
from septet_experiments.gates import Verdict
from septet_experiments.suites import SuiteSettings
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import Tenants

from septet_cli.canary.groups import Comparison, Limits, Look, Side
from septet_cli.canary.record import RENEW_EVERY_S, is_active, read_canary, write_canary
from septet_cli.errors import CliError, Unreachable
from septet_cli.evaluation.metric_selection import selected
from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.selection import Selection
from septet_cli.shadow.intake import Bounds, Intake
from septet_cli.shadow.session import receiver
from septet_cli.shadow.window import Plan
from septet_cli.tail import tail

STATUSES = frozenset({"answered", "abstained", "blocked", "refused", "failed"})
TOPICS = ("screened", "outcomes")
"""Events that name the model alias and the policy that a request really got. Questions that an input rail blocks have an
outcome alone, and those that time out the first one."""
_TICK_S = 1.0


@dataclass(frozen=True)
class Options:
    """What a canary changes, and how it is judged.

    Attributes:
        canary: the change and the share.
        span: how long it runs at most.
        plan: responses of the candidate at which the gate looks.
        limits: limits that end it at once.
        settings: metrics and margins.
    """

    canary: Canary
    span: timedelta
    plan: Plan
    limits: Limits
    settings: SuiteSettings


@dataclass
class Progress:
    """What a canary counted, and its last look."""

    comparison: Comparison
    last: Look | None = None
    on_look: Callable[[Look], None] = lambda _: None
    on_tick: Callable[[Progress], None] = field(default=lambda _: None)


async def run_canary(kafka: Kafka, live: Tenants, options: Options, progress: Progress) -> Verdict:
    """Run a canary; returns the verdict: that of the last look, INCONCLUSIVE without one.

    The share becomes 0 at the end, also when this is cancelled or fails. If the process is killed, the record expires.

    Raises:
        CliError: another canary is active.
        Unreachable: Kafka does not answer.
    """
    found = await read_canary(kafka)
    if found is not None and is_active(found):
        raise CliError(
            f"The canary {found.run} is active ({found.field} {found.candidate}, share {found.share:g}).",
            "end it with `septet canary stop`",
        )
    intake = Intake(1.0, Selection({"status": STATUSES}), Bounds(waiting=10_000, queue=10_000))
    topics = list(live.addresses(["responses", *TOPICS]))
    reason = "interrupted"
    try:
        async with tail(kafka, topics, receiver(live, TOPICS, intake)) as reading:
            reason = await _watch(kafka, options, intake, progress, reading)
    finally:
        await asyncio.shield(_end(kafka, options.canary, reason))
    return progress.last.verdict if progress.last is not None else "INCONCLUSIVE"


async def _end(kafka: Kafka, canary: Canary, reason: str) -> None:
    """Set the share to 0, unless somebody else has ended the canary with a reason of their own."""
    found = await read_canary(kafka)
    if found is not None and found.run == canary.run and found.share > 0:
        await write_canary(kafka, canary, 0, f"ended: {reason}")


async def _was_ended(kafka: Kafka, canary: Canary) -> bool:
    found = await read_canary(kafka)
    return found is None or found.run != canary.run or found.share == 0


async def _watch(
    kafka: Kafka, options: Options, intake: Intake, progress: Progress, reading: asyncio.Task[None]
) -> str:
    """Return why the canary ends."""
    end = time.monotonic() + options.span.total_seconds()
    await write_canary(kafka, options.canary, options.canary.share, "running")
    renew_at = time.monotonic() + RENEW_EVERY_S
    while (now := time.monotonic()) < end:
        if now >= renew_at:
            if await _was_ended(kafka, options.canary):
                return "stopped"
            await write_canary(kafka, options.canary, options.canary.share, "running")
            renew_at = now + RENEW_EVERY_S
        await asyncio.wait([reading], timeout=_TICK_S)
        if reading.done():
            raise Unreachable(f"Reading from Kafka failed: {reading.exception()}", "run `septet doctor`")
        while not intake.queue.empty():
            look = _add(options.canary, intake.queue.get_nowait(), progress.comparison)
            if look is None:
                continue
            progress.last = look
            progress.on_look(look)
            if look.verdict == "FAIL":
                return f"FAIL: {look.reason}"
            if progress.comparison.is_full:
                return f"{look.verdict} after all planned responses"
        intake.expire()
        progress.on_tick(progress)
    return "its time is over"


def _add(canary: Canary, logged: LoggedRequest, comparison: Comparison) -> Look | None:
    side = side_of(canary, logged)
    return None if side is None else comparison.add(side, logged)


def side_of(canary: Canary, logged: LoggedRequest) -> Side | None:
    """The side that answered a request; None if it did not take part."""
    if not isinstance(logged.event, Flow) or (canary.tenants and logged.event.tenant not in canary.tenants):
        return None
    sides: dict[str, Side] = {canary.candidate: "candidate", canary.live: "live"}
    return sides.get(getattr(logged.event.ask, canary.field))


def comparison_of(options: Options) -> Comparison:
    """An empty comparison with the metrics of the options."""
    metrics = selected(options.settings.all_metrics, [])
    return Comparison(options.settings, {m.name: m for m in metrics}, options.plan, options.limits)

"""A shadow: mirrors a share of live traffic into a namespace until its time is over or the gate fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from septet_contracts import ContractError, decode, topic
from septet_experiments.suites import SuiteSettings
from septet_kit.messaging.connection import Kafka
from septet_kit.spec import group_of
from septet_kit.tenants import Tenants

from septet_cli.errors import Unreachable
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.candidate import Candidate
from septet_cli.replay.group import Place, instance_group
from septet_cli.replay.runner import Replayer
from septet_cli.replay.selection import Selection
from septet_cli.replay.session import SUITE
from septet_cli.shadow.intake import Bounds, Intake
from septet_cli.shadow.window import Look, Plan, Window
from septet_cli.tail import tail
from septet_cli.topics import topic_states
from septet_cli.wire import Record

RETENTION = timedelta(hours=2)
"""Of the topics of the namespace."""
_LAG_EVERY_S = 10.0
_TICK_S = 0.5


@dataclass(frozen=True)
class Options:
    """What a shadow mirrors, and how it is judged.

    Attributes:
        candidate: the change.
        share: share of conversations, 0 to 1.
        selection: conditions on live responses.
        span: how long it runs.
        plan: when the gate looks.
        pace: limits of the requests of the namespace.
        bounds: how much it holds.
        settings: metrics and margins.
    """

    candidate: Candidate
    share: float
    selection: Selection
    span: timedelta
    plan: Plan
    pace: Pace
    bounds: Bounds
    settings: SuiteSettings


class Observer(Protocol):
    """Shows a shadow that runs."""

    def step(self, name: str, state: str) -> None:
        """A service or the namespace has changed its state."""

    def update(self, shadow: Shadow) -> None:
        """Something was counted."""

    def looked(self, look: Look) -> None:
        """The gate has decided."""


@dataclass
class Shadow:
    """The state of a shadow.

    Attributes:
        intake: what was selected and dropped.
        window: the present comparison.
        last: the last look; None before the first.
        compared: number of compared requests of all windows.
    """

    intake: Intake
    window: Window
    last: Look | None = None
    compared: int = 0

    @property
    def has_failed(self) -> bool:
        return self.last is not None and self.last.result.verdict == "FAIL"


async def run_shadow(
    place_of: Callable[[str], Place], live: Tenants, store: RunStore, options: Options, observer: Observer
) -> Shadow:
    """Mirror traffic until the time is over or the gate fails, then remove the namespace.

    Args:
        place_of: where the shadow runs, by its id.
        live: the tenants and their live topics.
        store: keeps the runs of the comparisons.
        options: what to mirror.
        observer: is told about progress.

    Raises:
        StackError, SeptetError: the services or their namespace could not be created.
        Unreachable: Kafka does not answer.
        ExperimentError: the runs cannot be compared.
    """
    shadow = Shadow(Intake(options.share, options.selection, options.bounds), _window(store, options))
    place = place_of(shadow.window.id)
    topics = list(live.addresses(["responses", options.candidate.topic]))
    receive = receiver(live, [options.candidate.topic], shadow.intake)
    async with (
        instance_group(place, options.candidate, observer.step),
        Replayer.opened(
            place.kafka, place.tenants, place.replay, options.candidate, options.pace
        ) as replayer,
        tail(place.kafka, topics, receive) as reading,
    ):
        observer.step("mirror", f"follows {', '.join(topics)}")
        workers = [
            asyncio.create_task(_work(shadow, replayer, store, options, observer))
            for _ in range(options.pace.in_flight)
        ]
        others = [
            asyncio.create_task(_watch_lag(place.kafka, options.candidate, shadow.intake)),
            asyncio.create_task(_tick(shadow, observer)),
        ]
        try:
            await _until_over(shadow, options.span, reading, [*workers, *others])
        finally:
            for task in (*workers, *others):
                task.cancel()
            await asyncio.gather(*workers, *others, return_exceptions=True)
    if not shadow.has_failed and shadow.window.has_news:
        await _look(shadow, shadow.window, observer)
    return shadow


def _window(store: RunStore, options: Options) -> Window:
    return Window(store, SUITE, options.settings, options.plan, options.candidate)


def receiver(live: Tenants, names: Sequence[str], intake: Intake) -> Callable[[Record], None]:
    """A listener that adds records of live responses, and of the topics with these short names, to an intake."""
    by_topic: dict[str, tuple[str, Callable[[Any], None]]] = {
        **dict.fromkeys(live.addresses(["responses"]), ("responses", intake.add_response)),
        **{full: (name, intake.add_event) for name in names for full in live.addresses([name])},
    }

    def receive(record: Record) -> None:
        short, add = by_topic[record.topic]
        try:
            event, refused = live.identify(decode(topic(short), record.value), record.topic)
        except ContractError:
            # Live services report such records.
            return
        if refused is None:
            add(event)

    return receive


async def _work(
    shadow: Shadow, replayer: Replayer, store: RunStore, options: Options, observer: Observer
) -> None:
    """Replay queued requests one after the other; several of these run at the same time."""
    while True:
        logged = await shadow.intake.queue.get()
        sample = await replayer.replay(logged)
        window = shadow.window
        is_look = window.add(logged, sample)
        shadow.compared += 1
        if window.is_full:
            shadow.window = _window(store, options)
        if is_look:
            await _look(shadow, window, observer)


async def _look(shadow: Shadow, window: Window, observer: Observer) -> None:
    look = await window.look()
    # A failure ends the shadow. Later looks of other workers do not replace it.
    if not shadow.has_failed:
        shadow.last = look
        observer.looked(look)


async def _watch_lag(kafka: Kafka, candidate: Candidate, intake: Intake) -> None:
    name, group = topic(candidate.topic).name, group_of(candidate.first)
    while True:
        states = await topic_states(kafka)
        intake.lag = max((s.lag.get(group, 0) for s in states if s.name.startswith(name)), default=0)
        await asyncio.sleep(_LAG_EVERY_S)


async def _tick(shadow: Shadow, observer: Observer) -> None:
    while True:
        shadow.intake.expire()
        observer.update(shadow)
        await asyncio.sleep(_TICK_S)


async def _until_over(
    shadow: Shadow, span: timedelta, reading: asyncio.Task[None], tasks: list[asyncio.Task[None]]
) -> None:
    """Return when the time is over or the gate has failed.

    Raises:
        Unreachable: the log cannot be read.
        Exception: that of a task.
    """
    end = time.monotonic() + span.total_seconds()
    while time.monotonic() < end and not shadow.has_failed:
        left = max(0.0, min(_TICK_S, end - time.monotonic()))
        done, _ = await asyncio.wait([reading, *tasks], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if reading in done:
            raise Unreachable(f"Reading from Kafka failed: {reading.exception()}", "run `septet doctor`")
        for task in done:
            task.result()

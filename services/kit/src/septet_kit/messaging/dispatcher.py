"""Runs records in key lanes and knows what may be committed. Holds no Kafka client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from septet_kit.messaging.crash_guard import NO_TRAIL, Trail
from septet_kit.messaging.job import Job, condemned_job, to_job
from septet_kit.messaging.lanes import Lanes
from septet_kit.messaging.offsets import OffsetTracker
from septet_kit.messaging.progress import Progress
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.spec import Stage
from septet_kit.tenants import Tenants

log = get_logger()

QUEUED_PER_LANE = 4
_COMMIT_RETRY_S = 0.5
MAX_AHEAD = 1_000
"""Offsets that a partition may run ahead of its lowest unfinished record."""

Run = Callable[[Job], Awaitable[None]]
Commit = Callable[[Mapping[TopicPartition, tuple[int, str]]], Awaitable[bool]]


class StepFailed(RuntimeError):
    """A step ended without an outcome; only a restart handles its record again."""


@dataclass
class _Partition:
    """One assigned partition.

    ``careful_until`` is the offset up to which records are handled one at a time (see
    :mod:`septet_kit.messaging.crash_guard`), ``None`` for a partition without suspects.
    """

    tracker: OffsetTracker = field(default_factory=OffsetTracker)
    trail: Trail = NO_TRAIL
    careful_until: int | None = None
    begun: bool = False


@dataclass(frozen=True)
class _Item:
    record: ConsumerRecord[bytes, bytes]
    partition: _Partition
    size: int


class Dispatcher:
    """Takes records, runs each once its lane is free, and tracks which offsets are finished.

    Args:
        stages: the stage of each subscribed topic, by full name.
        tenants: whose topic is whose.
        run: handles one job to a durable end.
        commit: stores offsets with metadata, for partitions under care.
        progress: notes each finished record.
        max_bytes: bytes of records in flight from which on no more should be fetched.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        tenants: Tenants,
        run: Run,
        commit: Commit,
        progress: Progress,
        max_bytes: int,
    ) -> None:
        self._stages = stages
        self._tenants = tenants
        self._run = run
        self._commit = commit
        self._progress = progress
        self._max_bytes = max_bytes
        self._lanes: dict[str, Lanes[tuple[Job, _Item]]] = {
            stage.topic: Lanes(stage.concurrency) for stage in stages.values()
        }
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._careful: deque[tuple[TopicPartition, _Item]] = deque()
        self._caring: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: set[TopicPartition] = set()
        self._stopping = False
        self.bytes_in_flight = 0
        self.failure: Exception | None = None

    @property
    def in_flight(self) -> int:
        """Records that were accepted and are not finished."""
        return sum(p.tracker.in_flight for p in self._partitions.values())

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        """Start partitions afresh; a pause does not survive an assignment."""
        for tp in tps:
            self._partitions[tp] = _Partition()
        self._paused.clear()

    def revoke(self, tps: Iterable[TopicPartition]) -> None:
        """Forget partitions. Their running records end, but their offsets no longer count."""
        for tp in tps:
            self._partitions.pop(tp, None)

    def unbegun(self, tps: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Those of the partitions of which no record has been accepted since their assignment."""
        return [tp for tp in tps if (p := self._partitions.get(tp)) is None or not p.begun]

    def begin(self, tp: TopicPartition, trail: Trail, first: int, end: int) -> None:
        """Set what earlier processes left at a partition's committed offset.

        ``first`` is the offset of the first record, ``end`` that of the partition's end.
        """
        partition = self._partitions.setdefault(tp, _Partition())
        partition.begun, partition.trail = True, trail
        # Only a commit that moves the offset may wipe the trail.
        partition.tracker.committed(first)
        if trail.needs_care:
            partition.careful_until = min(first + MAX_AHEAD, end)
            log.warning(
                "handling records one at a time", topic=tp.topic, partition=tp.partition, deaths=trail.deaths
            )

    def accept(self, tp: TopicPartition, record: ConsumerRecord[bytes, bytes]) -> int:
        """Take the next fetched record of a partition; returns its size in bytes."""
        partition = self._partitions.setdefault(tp, _Partition())
        item = _Item(record, partition, _size(record))
        partition.tracker.begin(record.offset)
        self.bytes_in_flight += item.size
        if partition.careful_until is None:
            job = to_job(record, self._stages[record.topic], self._tenants)
            self._start(self._lanes[job.stage.topic].push(job.lane, (job, item)))
            return item.size
        self._careful.append((tp, item))
        if self._caring is None:
            self._caring = self._spawn(self._care())
        return item.size

    def _start(self, ready: Iterable[tuple[Job, _Item]]) -> None:
        for job, item in ready:
            self._spawn(self._work(job, item))

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work(self, job: Job, item: _Item) -> None:
        if not await self._finished(job, item):
            return
        if not self._stopping:
            self._start(self._lanes[job.stage.topic].done(job.lane))

    async def _finished(self, job: Job, item: _Item) -> bool:
        """Run a job; whether it reached a durable end.

        The offset of one that did not stays unfinished and holds the commit back. The record is handled again after a
        restart, which cannot wait: its key and its place in the lanes are taken.
        """
        try:
            await self._run(job)
        except Exception as error:
            log.exception("step did not end", topic=job.record.topic, offset=job.record.offset)
            self.failure = self.failure or error
            return False
        finally:
            self.bytes_in_flight -= item.size
        item.partition.tracker.finish(item.record.offset)
        self._progress.beat()
        return True

    async def _care(self) -> None:
        """Handle the records of partitions under care, one at a time."""
        try:
            while self._careful and self.failure is None and not self._stopping:
                tp, item = self._careful.popleft()
                if self._partitions.get(tp) is item.partition:
                    await self._handle_alone(tp, item)
                else:
                    self.bytes_in_flight -= item.size
        except Exception as error:
            log.exception("handling one at a time failed")
            self.failure = self.failure or error
        finally:
            self._caring = None

    async def _handle_alone(self, tp: TopicPartition, item: _Item) -> None:
        record, partition = item.record, item.partition
        stage = self._stages[record.topic]
        if partition.trail.condemns(record.offset):
            job = condemned_job(record, stage, self._tenants, deaths=partition.trail.deaths)
        else:
            partition.trail = partition.trail.handling(record.offset)
            while not await self._commit({tp: (record.offset, str(partition.trail))}):
                if self._partitions.get(tp) is not partition:
                    return
                await asyncio.sleep(_COMMIT_RETRY_S)
            job = to_job(record, stage, self._tenants)
        if not await self._finished(job, item):
            return
        until = partition.careful_until
        waiting = any(queued.partition is partition for _, queued in self._careful)
        if until is not None and record.offset + 1 >= until and not waiting:
            partition.careful_until, partition.trail = None, NO_TRAIL
            log.info("handling records side by side again", topic=tp.topic, partition=tp.partition)
        else:
            partition.trail = Trail(partition.trail.starts)
        await self._commit({tp: (record.offset + 1, str(partition.trail))})

    def committable(self) -> dict[TopicPartition, int]:
        """Offsets that rose since the last commit, of partitions that are not under care."""
        return {
            tp: offset
            for tp, partition in self._partitions.items()
            if partition.careful_until is None and (offset := partition.tracker.committable()) is not None
        }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Note what the broker has stored, without a trail."""
        for tp, offset in offsets.items():
            if (partition := self._partitions.get(tp)) is not None:
                partition.tracker.committed(offset)
                partition.trail = NO_TRAIL

    def trails(self) -> dict[TopicPartition, int]:
        """Partitions at whose committed offset a trail stands, with the offset to commit when it is wiped."""
        return {
            tp: offset
            for tp, partition in self._partitions.items()
            if partition.trail != NO_TRAIL and (offset := partition.tracker.lowest()) is not None
        }

    def pauses(self, assigned: Iterable[TopicPartition]) -> tuple[set[TopicPartition], set[TopicPartition]]:
        """Which partitions to pause and which to resume now.

        A partition pauses while its stage's lanes are full, too many bytes are in flight, or it runs too far ahead of
        its lowest unfinished record. Lanes and bytes have to fall to half of their bound before it resumes.
        """
        for name, lanes in self._lanes.items():
            metrics.lane_depth.labels(name).set(lanes.depth)
        pause, resume = set(), set()
        for tp in assigned:
            load, is_ahead = self._load(tp), self._is_ahead(tp)
            if tp not in self._paused and (load >= 1 or is_ahead):
                pause.add(tp)
            elif tp in self._paused and load <= 0.5 and not is_ahead:
                resume.add(tp)
        self._paused = (self._paused | pause) - resume
        return pause, resume

    def _load(self, tp: TopicPartition) -> float:
        """How full lanes and memory are for a partition; 1 or more means that a bound is met."""
        lanes = self._lanes[self._stages[tp.topic].topic]
        queued = lanes.depth + len(self._careful)
        return max(queued / (lanes.limit * QUEUED_PER_LANE), self.bytes_in_flight / self._max_bytes)

    def _is_ahead(self, tp: TopicPartition) -> bool:
        partition = self._partitions.get(tp)
        return partition is not None and partition.tracker.span >= MAX_AHEAD

    async def drain(self, grace_s: float) -> None:
        """Start nothing more, let running steps end within ``grace_s`` seconds, and cancel the others."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1)


def _size(record: ConsumerRecord[bytes, bytes]) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers or ())
    return len(record.key or b"") + len(record.value or b"") + headers

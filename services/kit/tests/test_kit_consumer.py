"""The consumer and its dispatcher on a simulated log: nothing stops them, nothing is lost, nothing grows without bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from septet_contracts import EvaluationSample, Request, encode
from septet_kit.context import Context
from septet_kit.events import Emit
from septet_kit.messaging.crash_guard import MANY_DEATHS, STRIKES, Trail
from septet_kit.messaging.dispatcher import MAX_AHEAD, StepFailed
from septet_kit.observe.traffic import traffic
from septet_kit.settings import KitSettings
from septet_kit.spec import Stage

from tests.support.record_batch import RawRecord

from .harness import batches as made
from .harness.kafka import FakeLog, facts
from .harness.service import SETTINGS, Process, partition, process
from .support.kafka import Broker, SimulatedPublisher

REQUESTS = partition("requests")
OTHER = partition("requests", 1)


def question(request_id: str, **fields: object) -> bytes:
    return encode(Request(request_id=request_id, question="What is a deque?", **fields))


def put(log: FakeLog, *ids: str, tp: object = REQUESTS, key: bytes | None = None) -> None:
    """Append one batch of valid requests, each under its own key unless ``key`` is given."""
    records = [made.record(question(i), key or i.encode()) for i in ids]
    log.append(tp, made.batch(records, log.end(tp)), len(ids))


class Handled:
    """A handler that notes ids in the order in which it ends."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, event: Request, ctx: Context) -> Sequence[Emit]:
        await asyncio.sleep(0)
        self.ids.append(event.request_id)
        return []


@pytest.mark.parametrize(
    ("broken", "count"),
    [
        (made.bad_header_key, 3),
        (made.bad_checksum, 2),
        (made.unknown_codec, 2),
        (made.unknown_magic, 1),
        (made.corrupt_payload("zstd"), 1),
        (made.bomb("gzip"), 1),
        (made.short_record, 2),
    ],
)
async def test_undecodable_bytes_end_in_dead_letters_and_the_next_record_is_handled(
    broken: Callable[[int], bytes], count: int
) -> None:
    log, handled = FakeLog(), Handled()
    put(log, "before")
    base = log.end(REQUESTS)
    log.append(REQUESTS, broken(base), count)
    put(log, "after")
    put(log, "elsewhere", tp=OTHER)
    async with process(log, [Stage("requests", handled)], [REQUESTS, OTHER]) as run:
        await run.until(lambda: {"before", "after", "elsewhere"} <= set(handled.ids))
        await run.until(lambda: log.commits.get(REQUESTS) == (log.end(REQUESTS), ""))
        dead = [facts(r) for r in run.dead_letters()]
    undecodable = [d for d in dead if d.code == "undecodable"]
    assert undecodable
    assert {(d.topic, d.partition) for d in undecodable} == {(REQUESTS.topic, "0")}
    assert all(base <= int(d.offset) < base + count for d in undecodable)
    assert all(d.fix and d.reason for d in undecodable)


@pytest.mark.parametrize(
    "record",
    [
        made.record(None),
        made.record(None, key=None),
        made.record(b"", key=b""),
        made.record(question("r1"), key=None),
        made.record(
            question("r2"), traceparent=b"\xff\x00garbage", tracestate=b"=" * 9000, baggage=b";" * 100_000
        ),
        made.record(question("r3"), **{f"h{n}": b"v" * 20 for n in range(10_000)}),
        made.record(b"not json", **{f"h{n}": b"v" * 200 for n in range(10_000)}),
        made.record(b"x" * (2 * 1024 * 1024 - 300)),
        made.record(b"\xff" * 100, key=b"k" * 1_500_000),
        made.record(b'{"request_id": "r4", "question": "\\ud800"}'),
        made.record(b'{"request_id": "r5", "question": "q", "\\ud800": 1}'),
        made.record(b"[" * 100_000),
        made.record(b'{"request_id": "r6", "question": 1' + b"0" * 5000 + b"}"),
    ],
    ids=lambda r: f"{(r.value or b'')[:16]!r}-{len(r.headers)}-headers-{len(r.value or b'')}-bytes",
)
async def test_hostile_records_end_typed_and_the_next_record_is_handled(record: RawRecord) -> None:
    log, handled = FakeLog(), Handled()
    log.append(REQUESTS, made.batch([record]), 1)
    put(log, "next")
    async with process(log, [Stage("requests", handled)], [REQUESTS]) as run:
        await run.until(lambda: "next" in handled.ids)
        await run.until(lambda: log.commits.get(REQUESTS) == (2, ""))
        dead = run.dead_letters()
    assert len(dead) + len(handled.ids) == 2
    for letter in dead:
        assert facts(letter).offset == "0"
        assert len(letter.value or b"") + sum(len(k) + len(v) for k, v in letter.headers) < 2 * 1024 * 1024


async def test_any_malformed_record_is_dead_lettered_unless_another_service_answers() -> None:
    for on_malformed, expected in (("dead_letter", 1), ("ignore", 0)):
        log, handled = FakeLog(), Handled()
        log.append(REQUESTS, made.batch([made.record(b"{}")]), 1)
        put(log, "next")
        stage = Stage("requests", handled, on_malformed=on_malformed)  # type: ignore[arg-type]
        async with process(log, [stage], [REQUESTS]) as run:
            await run.until(lambda: handled.ids == ["next"])  # noqa: B023
        assert len(run.dead_letters()) == expected


async def test_a_partition_does_not_run_ahead_of_an_unfinished_record_without_bound() -> None:
    log, handled, gate = FakeLog(), Handled(), asyncio.Event()

    async def handle(event: Request, ctx: Context) -> Sequence[Emit]:
        if event.request_id == "slow":
            await gate.wait()
        return await handled(event, ctx)

    put(log, "slow")
    for n in range(30):
        put(log, *(f"r{n}-{i}" for i in range(100)))
    async with process(log, [Stage("requests", handle)], [REQUESTS]) as run:
        await run.until(lambda: len(handled.ids) >= MAX_AHEAD - 1)
        await asyncio.sleep(0.05)
        assert len(handled.ids) < MAX_AHEAD + 200
        assert log.commits[REQUESTS][0] == 0
        gate.set()
        await run.until(lambda: len(handled.ids) == 3001, 20)


async def test_large_records_of_one_poll_do_not_share_a_turn_of_the_loop() -> None:
    log, handled, turns = FakeLog(), Handled(), 0
    for n in range(8):
        body = question(f"r{n}", messages=({"role": "user", "content": "x" * 30_000},) * 30)
        log.append(REQUESTS, made.batch([made.record(body, b"%d" % n)], n), 1)
    async with process(log, [Stage("requests", handled)], [REQUESTS]) as run:
        accept = run.consumer._dispatcher.accept
        seen: list[int] = []
        run.consumer._dispatcher.accept = lambda tp, record: (seen.append(turns), accept(tp, record))[1]  # type: ignore[method-assign]
        while len(handled.ids) < 8:
            turns += 1
            await asyncio.sleep(0)
    assert len(set(seen)) == len(seen)


async def test_bytes_in_flight_are_bounded_and_given_back() -> None:
    settings = KitSettings(max_in_flight_bytes=2 * 1024 * 1024, commit_interval=timedelta(milliseconds=1))
    log, gate = FakeLog(), asyncio.Event()
    peak = 0

    async def handle(event: Request, ctx: Context) -> Sequence[Emit]:
        await gate.wait()
        return []

    for n in range(40):
        body = question(f"r{n}", messages=({"role": "user", "content": "x" * 30_000},) * 10)
        log.append(REQUESTS, made.batch([made.record(body, b"%d" % n)], n), 1)
    async with process(log, [Stage("requests", handle)], [REQUESTS], settings=settings) as run:
        dispatcher = run.consumer._dispatcher
        for _ in range(100):
            await asyncio.sleep(0.001)
            peak = max(peak, dispatcher.bytes_in_flight)
        gate.set()
        await run.until(lambda: log.commits.get(REQUESTS) == (40, ""))
        assert dispatcher.bytes_in_flight == 0
    assert 2 * 1024 * 1024 <= peak <= 5 * 1024 * 1024


async def test_a_step_without_an_outcome_ends_the_process_and_holds_its_offset() -> None:
    log, publisher = FakeLog(), SimulatedPublisher(Broker())
    publisher.client.end_sender(RuntimeError("sender is gone"))
    log.append(REQUESTS, made.batch([made.record(b"{}")]), 1)
    with pytest.raises(StepFailed):
        async with process(log, [Stage("requests", Handled())], [REQUESTS], publisher=publisher) as run:
            await run.until(lambda: False)
    assert log.commits[REQUESTS] == (0, str(Trail(1)))


# A commit in time would count as progress, and the deaths before it would not count.
NEVER_COMMITTING = SETTINGS.model_copy(update={"commit_interval": timedelta(hours=1)})


async def _die(log: FakeLog, poison: str, settings: KitSettings = SETTINGS) -> tuple[list[str], Process]:
    """One process that ends as soon as it handles the poison; what it had handled and sent by then."""
    handled, dying = Handled(), asyncio.Event()

    async def handle(event: Request, ctx: Context) -> Sequence[Emit]:
        if event.request_id == poison:
            dying.set()
            await asyncio.Event().wait()
        return await handled(event, ctx)

    stages = [Stage("requests", handle)]
    async with process(log, stages, [REQUESTS, OTHER], killed=True, settings=settings) as run:
        await run.until(lambda: dying.is_set() or log.commits.get(REQUESTS, (0, ""))[0] == log.end(REQUESTS))
    return handled.ids, run


async def test_a_record_that_ends_its_process_is_quarantined_and_nothing_else_is() -> None:
    log, everything = FakeLog(), set()
    put(log, "first", "poison", "second", "third")
    put(log, "elsewhere", tp=OTHER)
    for death in range(MANY_DEATHS + STRIKES):
        ids, run = await _die(log, "poison", NEVER_COMMITTING)
        everything |= set(ids)
        assert not run.dead_letters(), f"no record is quarantined before death {death + 1}"
    ids, run = await _die(log, "poison")
    everything |= set(ids)
    (letter,) = run.dead_letters()
    assert (facts(letter).code, facts(letter).offset) == ("quarantined", "1")
    assert letter.value == question("poison")
    (outcome,) = run.sent("outcomes")
    assert b'"request_id":"poison"' in (outcome.value or b"")
    assert everything == {"first", "second", "third", "elsewhere"}
    assert log.commits[REQUESTS] == (4, "")
    assert log.commits[OTHER] == (1, "")


async def test_kills_at_random_moments_condemn_no_record() -> None:
    """Each process is killed while one record is in flight, but makes progress in between: that record is not why."""
    log = FakeLog()
    put(log, *(f"r{n}" for n in range(12)))
    for n in range(12):
        _, run = await _die(log, f"r{n}")
        assert not run.dead_letters()


async def test_an_orderly_end_wipes_the_trail() -> None:
    log, never = FakeLog(), asyncio.Event()

    async def handle(event: Request, ctx: Context) -> Sequence[Emit]:
        await never.wait()
        return []

    put(log, "slow")
    for _ in range(MANY_DEATHS + STRIKES + 2):
        async with process(log, [Stage("requests", handle)], [REQUESTS]) as run:
            await run.until(lambda: run.consumer.in_flight == 1)
            run.consumer._dispatcher.drain = _short(run.consumer._dispatcher.drain)  # type: ignore[method-assign]
        assert log.commits[REQUESTS] == (0, "")


def _short(drain: Callable[[float], object]) -> Callable[[float], object]:
    return lambda _: drain(0.01)


async def test_records_are_left_to_the_log_when_the_group_moves_on_while_their_start_is_counted() -> None:
    log, handled = FakeLog(), Handled()
    put(log, "first")
    async with process(log, [Stage("requests", handled)], [REQUESTS], killed=True) as run:
        commit, moved = run.client.commit, False

        async def commit_and_move(offsets: dict[TopicPartition, object]) -> None:
            nonlocal moved
            await commit(offsets)
            if not moved:
                moved = True
                await run.consumer.on_partitions_assigned([REQUESTS])
                run.client._position[REQUESTS] = 0

        run.client.commit = commit_and_move  # type: ignore[method-assign, assignment]
        await run.until(lambda: log.commits.get(REQUESTS) == (1, ""))
    assert moved
    assert handled.ids == ["first"]


async def test_an_idle_partition_counts_no_starts() -> None:
    log = FakeLog()
    for _ in range(3):
        async with process(log, [Stage("requests", Handled())], [REQUESTS], killed=True) as run:
            await asyncio.sleep(0.01)
            assert run.consumer.assigned
    assert REQUESTS not in log.commits


@pytest.mark.parametrize(
    "metadata", ["", "x", "[]", '{"starts": -1}', '{"starts": "a"}', '{"other": 1}', "1", "null"]
)
def test_metadata_of_others_is_no_trail(metadata: str) -> None:
    assert Trail.parse(metadata) == Trail()
    assert Trail.parse(str(Trail(2, 7, 1))) == Trail(2, 7, 1)


def test_settings_bound_what_is_in_flight() -> None:
    assert SETTINGS.max_in_flight_bytes == 32 * 1024 * 1024


async def test_a_handler_and_its_tasks_know_whether_a_record_belongs_to_an_evaluation_run() -> None:
    log, seen = FakeLog(), {}

    async def note() -> str:
        return traffic()

    async def handle(event: Request, ctx: Context) -> Sequence[Emit]:
        seen[event.request_id] = (
            traffic(),
            await asyncio.create_task(note()),
            await asyncio.to_thread(traffic),
        )
        return []

    sample = EvaluationSample(run="run-1", case="c")
    records = [
        made.record(question(f"r-{n}", evaluation=of), b"key") for n, of in enumerate((None, sample, None))
    ]
    log.append(REQUESTS, made.batch(records, 0), 3)
    async with process(log, [Stage("requests", handle)], [REQUESTS]) as run:
        await run.until(lambda: len(seen) == 3)
    assert seen == {"r-0": ("live",) * 3, "r-1": ("evaluation",) * 3, "r-2": ("live",) * 3}

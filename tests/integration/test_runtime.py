"""The stage runtime on a real broker: order, redelivery, poison, failures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from septet_contracts import CacheInfo, Missed, Screened, encode, record_key
from septet_kit import Context, Emit, KitSettings, Permanent, Stage, Transient, advance
from septet_kit.lifecycle import running
from septet_kit.messaging.publisher import Publisher
from septet_kit.store import once
from septet_kit.store.claim import RowClaim
from septet_kit.store.outbox_event import OutboxEmit
from septet_kit.store.pool import StorePool
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import flow

from .conftest import ReadLog, RunService

Publish = Callable[..., Awaitable[None]]


def _screened(number: int, run: str, conversation: str | None = None) -> tuple[bytes, bytes]:
    event = flow(Screened, request_id=f"{run}-{number}", conversation_id=conversation)
    return encode(event), record_key(event.tenant, event.request_id, event.conversation_id)


async def _pass_on(event: Screened, ctx: Context) -> Sequence[Emit]:
    return [Emit("missed", advance(event, Missed, ctx, stage="test", cache=CacheInfo(status="miss")))]


def _of_run(run: str) -> Callable[[ConsumerRecord], bool]:
    return lambda record: run.encode() in (record.value or b"")


async def test_order_is_kept_per_key_while_keys_run_in_parallel(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"order-{uuid4().hex[:8]}", datetime.now(UTC)
    running = peak = 0

    async def slow(event: Screened, ctx: Context) -> Sequence[Emit]:
        nonlocal running, peak
        if run not in event.request_id:
            return []
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(random.uniform(0, 0.03))
        running -= 1
        return await _pass_on(event, ctx)

    async with run_service([Stage("screened", slow, concurrency=8)], ("missed",)):
        for number in range(60):
            value, key = _screened(number, run, conversation=f"{run}-c{number % 6}")
            await publish("screened", value, key)
        records = await read_log("missed", since=since, where=_of_run(run), count=60)
    by_key: dict[bytes, list[int]] = {}
    for record in records:
        event = Missed.model_validate_json(record.value)
        by_key.setdefault(record.key, []).append(int(event.request_id.rsplit("-", 1)[1]))
    assert len(records) == 60
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert peak > 1


async def test_what_was_not_committed_comes_again(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"again-{uuid4().hex[:8]}", datetime.now(UTC)
    seen: list[str] = []
    group = f"g-{uuid4().hex[:8]}"

    async def handle(event: Screened, ctx: Context) -> Sequence[Emit]:
        if run in event.request_id:
            seen.append(event.request_id)
            return await _pass_on(event, ctx)
        return []

    stage = Stage("screened", handle)
    async with run_service([stage], ("missed",), group=group, crash=True):
        value, key = _screened(1, run)
        await publish("screened", value, key)
        await read_log("missed", since=since, where=_of_run(run))
    async with run_service([stage], ("missed",), group=group):
        records = await read_log("missed", since=since, where=_of_run(run), count=2)
    assert seen == [f"{run}-1"] * 2
    ids = {Missed.model_validate_json(r.value).event_id for r in records}
    assert len(records) == 2
    assert len(ids) == 1


async def test_what_others_left_is_settled_before_the_first_record(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"settle-{uuid4().hex[:8]}", datetime.now(UTC)
    happened: list[str] = []

    async def settle() -> None:
        await asyncio.sleep(0.2)
        happened.append("settled")

    async def handle(event: Screened, ctx: Context) -> Sequence[Emit]:
        happened.append("handled")
        return await _pass_on(event, ctx)

    for number in range(3):
        await publish("screened", *_screened(number, run))
    async with run_service([Stage("screened", handle)], ("missed",), settle=settle):
        await read_log("missed", since=since, where=_of_run(run), count=3)
    assert happened[0] == "settled"
    assert happened.count("settled") == 1


async def test_a_record_that_is_left_to_the_sweeper_is_not_overtaken(
    run_service: RunService, publish: Publish, read_log: ReadLog, pool: StorePool, settings: KitSettings
) -> None:
    run, since = f"lapsed-{uuid4().hex[:8]}", datetime.now(UTC)

    async def handle(event: Screened, ctx: Context) -> Sequence[Emit]:
        (emit,) = await _pass_on(event, ctx)
        async with once(pool, event.event_id, "test", tenant=event.tenant) as unit:
            await unit.emit(emit)
            if event.request_id.endswith("-0"):
                await unit.connection.execute("UPDATE outbox SET claimed_until = now() + interval '1 second'")
        (sealed,) = unit.emits
        assert isinstance(sealed, OutboxEmit)
        assert isinstance(sealed.claim, RowClaim)
        if event.request_id.endswith("-0"):
            sealed.claim.lose()
        return [sealed]

    publisher = Publisher(settings.kafka(), "test-sweeper")
    await publisher.start()
    pool.outbox.connect(publisher, SHARED_ONLY)
    async with running([pool.outbox.run]), run_service([Stage("screened", handle)], ("missed",)):
        for number in range(3):
            await publish("screened", *_screened(number, run, conversation=run))
        records = await read_log("missed", since=since, where=_of_run(run), count=3)
    await publisher.stop()
    order = [Missed.model_validate_json(r.value).request_id for r in records]
    assert order == [f"{run}-{number}" for number in range(3)]


async def test_poison_is_dead_lettered_answered_and_does_not_hold_up_the_next(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"poison-{uuid4().hex[:8]}", datetime.now(UTC)
    good, key = _screened(2, run)
    broken = b'{"request_id": "%s-1", "tenant": "default", ' % run.encode()
    async with run_service([Stage("screened", _pass_on)], ("missed",)):
        await publish("screened", broken, key, marker=run)
        await publish("screened", good, key)
        passed = await read_log("missed", since=since, where=_of_run(run))
        dead = await read_log("septet.guardrails.dead.v1", since=since, where=_of_run(run))
        outcomes = await read_log("outcomes", since=since, where=_of_run(run))
    assert len(passed) == 1
    assert dead[0].value == broken
    headers = dict(dead[0].headers)
    assert headers["septet-dead-code"] == b"malformed_json"
    assert headers["marker"] == run.encode()
    assert f'"request_id":"{run}-1"'.encode() in outcomes[0].value
    assert b'"code":"malformed_json"' in outcomes[0].value


async def _failing(
    error: Callable[[], Exception], run_service: RunService, publish: Publish, read_log: ReadLog, **stage: Any
) -> tuple[dict[str, bytes], list[ConsumerRecord], int]:
    run, since, calls = f"fail-{uuid4().hex[:8]}", datetime.now(UTC), 0

    async def handle(event: Screened, ctx: Context) -> Sequence[Emit]:
        nonlocal calls
        if run not in event.request_id:
            return []
        calls += 1
        raise error()

    async with run_service([Stage("screened", handle, **stage)], ("missed",)):
        value, key = _screened(1, run)
        await publish("screened", value, key)
        outcomes = await read_log("outcomes", since=since, where=_of_run(run))
        dead = await read_log(
            "septet.guardrails.dead.v1", since=since, where=_of_run(run), wait=timedelta(seconds=2)
        )
    return dict(dead[0].headers) if dead else {}, outcomes, calls


async def test_exhausted_retries_end_in_a_dead_letter_and_a_typed_failure(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    headers, outcomes, calls = await _failing(
        lambda: Transient("model_down", "no model"), run_service, publish, read_log
    )
    assert calls == 3
    assert headers["septet-dead-code"] == b"model_down"
    assert headers["septet-dead-attempts"] == b"3"
    assert b'"code":"model_down"' in outcomes[0].value


async def test_a_permanent_error_names_the_field_and_the_fix(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    headers, outcomes, calls = await _failing(
        lambda: Permanent("bad_field", "no", field="policy", fix="use default"),
        run_service,
        publish,
        read_log,
    )
    assert calls == 1
    assert headers["septet-dead-field"] == b"policy"
    assert b'"fix":"use default"' in outcomes[0].value


async def test_a_bug_in_a_handler_tells_nothing_of_its_inside(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    headers, outcomes, _ = await _failing(lambda: KeyError("secret"), run_service, publish, read_log)
    assert headers["septet-dead-code"] == b"internal_error"
    assert b"secret" not in outcomes[0].value


async def test_a_hanging_handler_ends_at_its_budget_without_a_dead_letter(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"hang-{uuid4().hex[:8]}", datetime.now(UTC)

    async def hang(event: Screened, ctx: Context) -> Sequence[Emit]:
        await asyncio.sleep(60 if run in event.request_id else 0)
        return []

    stage = Stage("screened", hang, budget=timedelta(seconds=1))
    async with run_service([stage], ("missed",)):
        value, key = _screened(1, run)
        await publish("screened", value, key)
        outcomes = await read_log("outcomes", since=since, where=_of_run(run), wait=timedelta(seconds=8))
    assert b'"code":"deadline_exceeded"' in outcomes[0].value


async def test_what_comes_too_late_is_dropped_without_a_word(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"late-{uuid4().hex[:8]}", datetime.now(UTC)
    late = flow(Screened, request_id=f"{run}-0", conversation_id=run, deadline=since - timedelta(seconds=1))
    async with run_service([Stage("screened", _pass_on)], ("missed",)):
        await publish("screened", encode(late), record_key(late.tenant, late.request_id, run))
        await publish("screened", *_screened(1, run, conversation=run))
        passed = await read_log("missed", since=since, where=_of_run(run), count=1)
        outcomes = await read_log("outcomes", since=since, where=_of_run(run), wait=timedelta(seconds=1))
        dead = await read_log(
            "septet.guardrails.dead.v1", since=since, where=_of_run(run), wait=timedelta(seconds=1)
        )
    assert [Missed.model_validate_json(r.value).request_id for r in passed] == [f"{run}-1"]
    assert outcomes == dead == []


async def test_an_undeclared_topic_is_a_typed_failure(
    run_service: RunService, publish: Publish, read_log: ReadLog
) -> None:
    run, since = f"undeclared-{uuid4().hex[:8]}", datetime.now(UTC)
    async with run_service([Stage("screened", _pass_on)], ("outcomes",)):
        value, key = _screened(1, run)
        await publish("screened", value, key)
        outcomes = await read_log("outcomes", since=since, where=_of_run(run))
    assert b'"code":"undeclared_topic"' in outcomes[0].value


async def test_hostile_records_neither_stop_the_key_nor_go_unanswered(
    run_service: RunService, publish: Publish, read_log: ReadLog, settings: KitSettings
) -> None:
    run, since = f"hostile-{uuid4().hex[:8]}", datetime.now(UTC)
    huge = b'{"request_id": "%s-1", "pad": "%s"}' % (run.encode(), b"x" * (5 * 1024 * 1024))
    good, key = _screened(2, run)
    producer = AIOKafkaProducer(
        **settings.kafka().options(), compression_type="gzip", max_request_size=8 * 1024 * 1024
    )
    async with run_service([Stage("screened", _pass_on)], ("missed",)):
        await producer.start()
        try:
            await producer.send_and_wait("septet.screened.v1", huge, key=key)
            await producer.send_and_wait(
                "septet.screened.v1",
                good,
                key=key,
                headers=[("traceparent", None), ("septet-redrives", None)],
                timestamp_ms=1,
            )
            await producer.send_and_wait("septet.screened.v1", b"{", key=key, headers=[("run", run.encode())])
        finally:
            await producer.stop()
        passed = await read_log("missed", since=since, where=_of_run(run))
        outcomes = await read_log("outcomes", since=since, where=_of_run(run))
        dead = await read_log(
            "septet.guardrails.dead.v1",
            since=since,
            count=2,
            where=lambda r: r.key == key,
        )
    assert len(passed) == 1
    assert b'"code":"oversized"' in outcomes[0].value
    headers = dict(dead[0].headers)
    assert dead[0].value is None
    assert int(headers["septet-dead-omitted"]) > 5 * 1024 * 1024
    assert dead[1].value == b"{"

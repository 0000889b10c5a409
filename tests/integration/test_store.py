"""Inbox, outbox and sweeper on a real database and a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from septet_contracts import Outcome
from septet_kit import Emit, KitSettings, Permanent, Transient
from septet_kit.errors import Outage
from septet_kit.messaging.publisher import Publisher
from septet_kit.store import once, open_pool
from septet_kit.store.life import Life
from septet_kit.store.outbox import Sweeper, flush_marks
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import EVERY
from septet_kit.store.unit import OutboxEmit
from septet_kit.testing import flow

from .conftest import ReadLog


@pytest.fixture
async def publisher(settings: KitSettings) -> AsyncIterator[Publisher]:
    made = Publisher(settings.kafka(), "test-store")
    await made.start()
    yield made
    await made.stop()


def _outcome() -> Outcome:
    return flow(Outcome, request_id=f"store-{uuid4().hex[:10]}", answer="x")


async def _effect(pool: StorePool, event: Outcome) -> list[Emit]:
    async with once(pool, event.event_id, "test", tenant=event.tenant) as unit:
        if unit.first:
            await unit.connection.execute("INSERT INTO effects VALUES (1)")
            await unit.emit(Emit("outcomes", event))
    return unit.emits


async def test_an_effect_happens_once_however_often_the_event_comes(pool: StorePool) -> None:
    event = _outcome()
    emitted = await asyncio.gather(*(_effect(pool, event) for _ in range(20)))
    assert sum(map(len, emitted)) == 1
    assert await pool.fetchval("SELECT count(*) FROM effects") == 1
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_an_error_undoes_inbox_effect_and_outbox(pool: StorePool) -> None:
    event = _outcome()

    async def broken() -> None:
        async with once(pool, event.event_id, "test", tenant=event.tenant) as unit:
            await unit.connection.execute("INSERT INTO effects VALUES (1)")
            await unit.emit(Emit("outcomes", event))
            raise Permanent("no", "no")

    with pytest.raises(Permanent):
        await broken()
    for table in ("effects", "outbox", "inbox"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_the_sweeper_sends_what_a_crash_left(
    pool: StorePool, publisher: Publisher, settings: KitSettings, read_log: ReadLog
) -> None:
    since, event = datetime.now(UTC), _outcome()
    await _effect(pool, event)
    sweeper = Sweeper(pool, publisher, settings.kafka())
    assert await sweeper.sweep() == 0, "the claim is fresh: its holder may still send"
    await pool.execute("UPDATE outbox SET claimed_by = $1", f"{pool.instance}/earlier-life")
    assert await sweeper.sweep() == 1
    assert await sweeper.sweep() == 0
    records = await read_log(
        "outcomes", since=since, where=lambda r: event.request_id.encode() in r.value, count=2,
        wait=timedelta(seconds=3),
    )  # fmt: skip
    assert len(records) == 1


async def test_the_sweeper_finds_on_the_log_what_was_sent_and_not_marked(
    pool: StorePool, publisher: Publisher, settings: KitSettings, read_log: ReadLog
) -> None:
    since, event = datetime.now(UTC), _outcome()
    (emit,) = await _effect(pool, event)
    assert isinstance(emit, OutboxEmit)
    await publisher.send(emit.to_record())
    pool.sent_ids.clear()  # the marks are lost, as in a crash
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    assert await Sweeper(pool, publisher, settings.kafka()).sweep() == 0
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0
    records = await read_log(
        "outcomes", since=since, where=lambda r: event.request_id.encode() in r.value, count=2,
        wait=timedelta(seconds=3),
    )  # fmt: skip
    assert len(records) == 1


async def test_a_lapsed_claim_is_not_sent_by_its_old_holder(
    pool: StorePool, publisher: Publisher, read_log: ReadLog
) -> None:
    since, event = datetime.now(UTC), _outcome()
    (emit,) = await _effect(pool, event)
    assert isinstance(emit, OutboxEmit)
    lapsed = replace(emit, not_after=0.0)
    await publisher.send(lapsed.to_record())
    records = await read_log(
        "outcomes",
        since=since,
        where=lambda r: event.request_id.encode() in r.value,
        wait=timedelta(seconds=2),
    )
    assert records == []


async def test_a_row_that_the_producer_still_holds_is_nobody_elses(
    pool: StorePool, publisher: Publisher, settings: KitSettings
) -> None:
    (emit,) = await _effect(pool, _outcome())
    assert isinstance(emit, OutboxEmit)
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    queued = emit.to_record().on_queued
    assert queued is not None
    queued(future)
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    sweeper = Sweeper(pool, publisher, settings.kafka())
    assert await sweeper.sweep() == 0, "its own sweeper leaves it alone"
    await sweeper.renew()
    assert await pool.fetchval("SELECT claimed_until > now() FROM outbox"), "and keeps others away"
    future.set_result(None)
    await asyncio.sleep(0)
    await flush_marks(pool)
    assert await pool.fetchval("SELECT sent_at IS NOT NULL FROM outbox")


async def test_claims_are_kept_while_a_sweep_waits_for_kafka(
    pool: StorePool, publisher: Publisher, settings: KitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (emit,) = await _effect(pool, _outcome())
    assert isinstance(emit, OutboxEmit)
    await _effect(pool, _outcome())
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    pool.unacked.add(emit.id)
    swept = asyncio.Event()

    async def hang(*_: object) -> None:
        swept.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("septet_kit.store.outbox.find_sent", hang)
    monkeypatch.setattr("septet_kit.store.outbox._RENEW_S", 0.05)
    sweeper = Sweeper(pool, publisher, settings.kafka())
    tasks = [asyncio.ensure_future(sweeper.run()), asyncio.ensure_future(sweeper.keep_claims())]
    try:
        await swept.wait()
        await pool.execute(
            "UPDATE outbox SET claimed_until = now() - interval '1 second' WHERE event_id = $1", emit.id
        )
        await asyncio.sleep(0.5)
        kept = "SELECT claimed_until > now() FROM outbox WHERE event_id = $1"
        assert await pool.fetchval(kept, emit.id), "another process's sweeper would send it, too"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pool.unacked.clear()


async def test_a_sweep_that_took_too_long_sends_nothing(
    pool: StorePool, publisher: Publisher, settings: KitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _effect(pool, _outcome())
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    monkeypatch.setattr("septet_kit.store.outbox._SWEEP_CLAIM", timedelta(seconds=1))
    await Sweeper(pool, publisher, settings.kafka()).sweep()
    await flush_marks(pool)
    assert await pool.fetchval("SELECT sent_at IS NULL FROM outbox"), "not sent, and not marked"


async def test_settling_waits_for_the_claim_of_whoever_died(
    pool: StorePool, publisher: Publisher, settings: KitSettings, read_log: ReadLog
) -> None:
    event, since = _outcome(), datetime.now(UTC)
    await _effect(pool, event)
    await pool.execute(
        "UPDATE outbox SET claimed_by = 'other-0/dead', claimed_until = now() + interval '1 second'"
    )
    await Sweeper(pool, publisher, settings.kafka()).settle(lambda: None)
    assert await pool.fetchval("SELECT bool_and(sent_at IS NOT NULL) FROM outbox")
    ours = str(event.event_id).encode()
    assert await read_log("outcomes", since=since, where=lambda r: ours in r.value, wait=timedelta(seconds=5))


async def test_settling_does_not_wait_for_ever(
    pool: StorePool, publisher: Publisher, settings: KitSettings
) -> None:
    await _effect(pool, _outcome())
    sweeper = Sweeper(pool, publisher, settings.kafka())
    async with asyncio.timeout(5):
        await sweeper.settle(lambda: None, patience=timedelta(seconds=0.3))
    assert await pool.fetchval("SELECT sent_at IS NULL FROM outbox"), "its live holder may still send it"


async def test_marks_are_written_in_one_go(pool: StorePool, publisher: Publisher) -> None:
    (emit,) = await _effect(pool, _outcome())
    assert isinstance(emit, OutboxEmit)
    await publisher.send(emit.to_record())
    await flush_marks(pool)
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == 1


@pytest.mark.parametrize("wait_for_disk", [True, False])
async def test_a_pool_waits_for_the_disk_unless_told_otherwise(
    settings: KitSettings, wait_for_disk: bool
) -> None:
    async with open_pool(settings, "public", wait_for_disk=wait_for_disk) as opened:
        said = await opened.fetchval("SHOW synchronous_commit")
    assert said == ("on" if wait_for_disk else "off")


async def test_a_database_that_is_not_there_is_transient(settings: KitSettings) -> None:
    from pydantic import SecretStr

    gone = settings.model_copy(update={"postgres_dsn": SecretStr("postgresql://x:x@127.0.0.1:9/none")})
    with pytest.raises(Transient, match="PostgreSQL"):
        async with open_pool(gone, "nowhere"):
            pass


async def test_one_process_per_instance_name(settings: KitSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("septet_kit.store.life._PATIENCE_S", 0.5)
    dsn, name = settings.postgres_dsn.get_secret_value(), uuid4().hex
    first, second = Life(dsn, "t", name), Life(dsn, "t", name)
    await first.acquire()
    with pytest.raises(Permanent, match="another process") as caught:
        await second.acquire()
    assert caught.value.code == "instance_taken"
    await first.release()
    await second.acquire()
    await second.release()


async def test_a_lost_lock_is_taken_again(settings: KitSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("septet_kit.store.life._CHECK_S", 0.1)
    monkeypatch.setattr("septet_kit.store.life._PATIENCE_S", 1.0)
    dsn, name = settings.postgres_dsn.get_secret_value(), uuid4().hex
    life = Life(dsn, "t", name)
    await life.acquire()
    guard = asyncio.create_task(life.guard())
    assert life._connection is not None
    life._connection.terminate()
    await asyncio.sleep(1)
    with pytest.raises(Permanent):
        await Life(dsn, "t", name).acquire()
    guard.cancel()
    await life.release()


async def _run(pool: StorePool, statement: str, *local: str) -> None:
    async with pool.transaction(EVERY, *local) as connection:
        await connection.execute(statement)


async def test_a_server_that_goes_away_is_an_outage(pool: StorePool) -> None:
    with pytest.raises(Outage, match="PostgreSQL"):
        await _run(pool, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert await pool.fetchval("SELECT 1") == 1


async def test_a_statement_that_takes_too_long_is_none(pool: StorePool) -> None:
    with pytest.raises(Transient) as raised:
        await _run(pool, "SELECT pg_sleep(5)", "statement_timeout = 20")
    assert not isinstance(raised.value, Outage)


async def test_a_connection_that_cannot_be_rolled_back_is_closed_and_hides_no_error(pool: StorePool) -> None:
    used: list[int] = []
    asleep: list[asyncio.Future[str]] = []

    async def fail() -> None:
        async with pool.transaction(EVERY) as connection:
            used.append(await connection.fetchval("SELECT pg_backend_pid()"))
            # Still busy when the block ends, as with a server that died in mid-exchange.
            asleep.append(asyncio.ensure_future(connection.execute("SELECT pg_sleep(5)")))
            await asyncio.sleep(0.05)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await asyncio.gather(*asleep, return_exceptions=True)
    assert await pool.fetchval("SELECT pg_backend_pid()") not in used

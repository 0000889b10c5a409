"""Inbox, outbox and sweeper on a real database and a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from septet_contracts import Outcome
from septet_kit import Emit, KitSettings, Permanent, Transient
from septet_kit.errors import Outage
from septet_kit.lifecycle import running
from septet_kit.messaging.publisher import Publisher
from septet_kit.store import once, open_pool
from septet_kit.store.claim import RowClaim
from septet_kit.store.outbox import Outbox
from septet_kit.store.outbox_event import OutboxEmit
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import flow

from .conftest import ReadLog, run_once


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


@pytest.fixture
def outbox(pool: StorePool, publisher: Publisher) -> Outbox:
    """The pool's outbox, as a service connects it."""
    pool.outbox.connect(publisher, SHARED_ONLY)
    return pool.outbox


async def _stored(pool: StorePool, event: Outcome) -> OutboxEmit:
    (emit,) = await _effect(pool, event)
    assert isinstance(emit, OutboxEmit)
    return emit


async def _send(publisher: Publisher, emit: Emit) -> None:
    await publisher.send(emit.to_record(SHARED_ONLY))


async def _count(read_log: ReadLog, event: Outcome, since: datetime, wait_s: float = 3) -> int:
    """How often an event is on the log; looks for two."""
    records = await read_log(
        "outcomes",
        since=since,
        where=lambda r: event.request_id.encode() in r.value,
        count=2,
        wait=timedelta(seconds=wait_s),
    )
    return len(records)


async def test_a_sweep_sends_what_a_crash_left(pool: StorePool, outbox: Outbox, read_log: ReadLog) -> None:
    since, event = datetime.now(UTC), _outcome()
    await _effect(pool, event)
    assert await outbox.sweep() == 0, "the claim is fresh: its holder may still send"
    await pool.execute("UPDATE outbox SET claimed_by = $1", f"{pool.instance}/earlier-life")
    assert await outbox.sweep() == 1
    assert await outbox.sweep() == 0
    assert await _count(read_log, event, since) == 1


async def test_a_sweep_finds_on_the_log_what_was_sent_and_not_marked(
    pool: StorePool, publisher: Publisher, outbox: Outbox, read_log: ReadLog
) -> None:
    since, event = datetime.now(UTC), _outcome()
    await _send(publisher, await _stored(pool, event))
    outbox._rows.sent.clear()  # the marks are lost, as in a crash
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    assert await outbox.sweep() == 0
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0
    assert await _count(read_log, event, since) == 1


async def test_one_sweep_takes_every_batch(pool: StorePool, outbox: Outbox) -> None:
    async with pool.transaction("default") as connection:
        await connection.execute(
            "INSERT INTO outbox (event_id, topic, key, value, claimed_by, claimed_until)"
            " SELECT gen_random_uuid(), 'septet.outcomes.v1', 'k', 'v', $1, now() + interval '1 minute'"
            " FROM generate_series(1, 450)",
            f"{pool.instance}/earlier-life",
        )
    assert await outbox.sweep() == 450
    await outbox.mark_sent()
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0


async def test_a_lapsed_claim_is_not_sent_by_its_old_holder(
    pool: StorePool, publisher: Publisher, read_log: ReadLog
) -> None:
    since, event = datetime.now(UTC), _outcome()
    emit = await _stored(pool, event)
    assert isinstance(emit.claim, RowClaim)
    emit.claim.lose()
    await _send(publisher, emit)
    assert await _count(read_log, event, since, wait_s=2) == 0


@asynccontextmanager
async def _full_buffer(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The producer has no space for another record until the block ends."""
    space, send = asyncio.Event(), publisher._client.send

    async def wait(*args: object, **kwargs: object) -> object:
        await space.wait()
        return await send(*args, **kwargs)

    monkeypatch.setattr(publisher._client, "send", wait)
    yield
    space.set()


async def test_another_instance_does_not_send_what_waits_for_buffer_space(
    pool: StorePool,
    publisher: Publisher,
    outbox: Outbox,
    read_log: ReadLog,
    settings: KitSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("septet_kit.store.outbox.CLAIM", timedelta(seconds=2))
    monkeypatch.setattr("septet_kit.store.outbox.CLAIM_MARGIN", timedelta(seconds=0.5))
    monkeypatch.setattr("septet_kit.store.outbox_event.CLAIM", timedelta(seconds=2))
    monkeypatch.setattr("septet_kit.store.outbox._RENEW_S", 0.3)
    since, event = datetime.now(UTC), _outcome()
    other = Outbox(pool, "other-0")
    elsewhere = Publisher(settings.kafka(), "test-other")
    await elsewhere.start()
    other.connect(elsewhere, SHARED_ONLY)
    try:
        async with running([outbox.keep_claims, other.run]):
            async with _full_buffer(publisher, monkeypatch):
                sending = asyncio.ensure_future(_send(publisher, await _stored(pool, event)))
                await asyncio.sleep(5)
                assert not sending.done()
            await sending
            await outbox.mark_sent()
            await asyncio.sleep(3)
    finally:
        await elsewhere.stop()
    assert await _count(read_log, event, since) == 1


async def test_a_row_that_the_producer_still_holds_is_no_other_process_s(
    pool: StorePool, outbox: Outbox
) -> None:
    emit = await _stored(pool, _outcome())
    sent: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    assert emit.claim.acquire()
    emit.claim.queued(sent)
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    assert await outbox.sweep() == 0, "its own sweep leaves it alone"
    await outbox.renew()
    assert await pool.fetchval("SELECT claimed_until > now() FROM outbox"), "and keeps others away"
    sent.set_result(None)
    await asyncio.sleep(0)
    await outbox.mark_sent()
    assert await pool.fetchval("SELECT sent_at IS NOT NULL FROM outbox")


async def test_claims_are_kept_while_a_sweep_waits_for_kafka(
    pool: StorePool, publisher: Publisher, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = await _stored(pool, _outcome())
    assert emit.claim.acquire()
    await _effect(pool, _outcome())
    await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
    swept = asyncio.Event()

    async def hang(*_: object) -> None:
        swept.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(publisher, "find_sent", hang)
    monkeypatch.setattr("septet_kit.store.outbox._RENEW_S", 0.05)
    async with running([outbox.run, outbox.keep_claims]):
        await swept.wait()
        await pool.execute(
            "UPDATE outbox SET claimed_until = now() - interval '1 second' WHERE event_id = $1", emit.id
        )
        await asyncio.sleep(0.5)
        kept = "SELECT claimed_until > now() FROM outbox WHERE event_id = $1"
        assert await pool.fetchval(kept, emit.id), "another process's sweep would send it, too"


async def test_settling_waits_for_the_claim_of_a_process_that_died(
    pool: StorePool, outbox: Outbox, read_log: ReadLog
) -> None:
    event, since = _outcome(), datetime.now(UTC)
    await _effect(pool, event)
    await pool.execute(
        "UPDATE outbox SET claimed_by = 'other-0/dead', claimed_until = now() + interval '1 second'"
    )
    await outbox.settle()
    assert await pool.fetchval("SELECT bool_and(sent_at IS NOT NULL) FROM outbox")
    ours = str(event.event_id).encode()
    assert await read_log("outcomes", since=since, where=lambda r: ours in r.value, wait=timedelta(seconds=5))


async def test_settling_does_not_wait_for_ever(pool: StorePool, outbox: Outbox) -> None:
    await _effect(pool, _outcome())
    async with asyncio.timeout(5):
        await outbox.settle(patience=timedelta(seconds=0.3))
    assert await pool.fetchval("SELECT sent_at IS NULL FROM outbox"), "its live holder may still send it"


async def test_marks_are_written_in_one_go(pool: StorePool, publisher: Publisher, outbox: Outbox) -> None:
    await _send(publisher, await _stored(pool, _outcome()))
    await outbox.mark_sent()
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == 1


@pytest.mark.parametrize("wait_for_disk", [True, False])
async def test_a_pool_waits_for_the_disk_unless_told_otherwise(
    settings: KitSettings, wait_for_disk: bool
) -> None:
    async with open_pool(settings, "public", wait_for_disk=wait_for_disk) as opened:
        said = await opened.fetchval("SHOW synchronous_commit")
    assert said == ("on" if wait_for_disk else "off")


async def test_a_connection_that_never_comes_back_does_not_hold_up_the_end(
    settings: KitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("septet_kit.store.pool._CLOSE_S", 0.2)
    async with asyncio.timeout(10), AsyncExitStack() as borrowed, open_pool(settings, "public") as pool:
        await borrowed.enter_async_context(pool.acquire())


async def test_a_database_that_is_not_there_is_transient(settings: KitSettings) -> None:
    from pydantic import SecretStr

    gone = settings.model_copy(update={"postgres_dsn": SecretStr("postgresql://x:x@127.0.0.1:9/none")})
    with pytest.raises(Transient, match="PostgreSQL"):
        async with open_pool(gone, "nowhere"):
            pass


async def test_a_migration_under_a_live_pool_is_transient(settings: KitSettings, pool: StorePool) -> None:
    async def read() -> object:
        async with pool.transaction("default") as connection:
            return await connection.fetch("SELECT * FROM effects")

    # Every connection of the pool has prepared the statement.
    await asyncio.gather(*(read() for _ in range(20)))
    schema = await pool.fetchval("SELECT current_schema()")
    await run_once(
        settings.postgres_dsn.get_secret_value(), f'ALTER TABLE "{schema}".effects ADD COLUMN more text'
    )
    with pytest.raises(Transient) as raised:
        await read()
    assert isinstance(raised.value.__cause__, asyncpg.InvalidCachedStatementError)
    await asyncio.gather(*(read() for _ in range(20)))


async def _run(pool: StorePool, statement: str, *local: str) -> None:
    async with pool.transaction(ALL_TENANTS, *local) as connection:
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
        async with pool.transaction(ALL_TENANTS) as connection:
            used.append(await connection.fetchval("SELECT pg_backend_pid()"))
            # Still busy when the block ends, as with a server that died in mid-exchange.
            asleep.append(asyncio.ensure_future(connection.execute("SELECT pg_sleep(5)")))
            await asyncio.sleep(0.05)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await asyncio.gather(*asleep, return_exceptions=True)
    assert await pool.fetchval("SELECT pg_backend_pid()") not in used

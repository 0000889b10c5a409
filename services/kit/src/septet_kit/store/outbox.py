"""The outbox after the commit: marking what was sent, and sweeping up what was not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from aiokafka.errors import KafkaError
from opentelemetry import propagate
from opentelemetry.context import Context as OtelContext

from septet_kit.errors import Transient
from septet_kit.messaging.connection import Kafka
from septet_kit.messaging.probe import Doubt, find_sent
from septet_kit.messaging.publisher import EVENT_ID_HEADER, Publisher, Record
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.store.claim import CLAIM, CLAIM_MARGIN, earlier_lives, holder
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import EVERY

log = get_logger()

_FLUSH_S = 0.1
_SWEEP_S = 1.0
_RENEW_S = 3.0
_PURGE_EVERY_S = 600.0
# Longer than topics keep records (retention and a segment), so that a replay from their start changes nothing.
_KEEP = timedelta(days=9)
_SWEEP_CLAIM = timedelta(seconds=30)

_MARK = "UPDATE outbox SET sent_at = now() WHERE event_id = ANY($1::uuid[]) AND sent_at IS NULL"
_TAKE = """
UPDATE outbox SET claimed_by = $1, claimed_until = clock_timestamp() + $4
WHERE event_id IN (
    SELECT event_id FROM outbox
    WHERE sent_at IS NULL AND event_id <> ALL($3::uuid[])
      AND (claimed_until < now() OR (claimed_by LIKE $2 AND claimed_by <> $1))
    ORDER BY created_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
RETURNING event_id, topic, key, value, headers, created_at
"""
_RENEW = """
UPDATE outbox SET claimed_until = clock_timestamp() + $3
WHERE event_id = ANY($1::uuid[]) AND claimed_by = $2 AND sent_at IS NULL
"""
# Counted, because a plan for the first row that EXISTS finds would read the whole table where there is none.
_OLDER = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at < $1"
_SETTLED = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE event_id = $1 AND sent_at IS NULL)"
_PURGE = tuple(
    f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < now() - $1::interval LIMIT 5000))"  # noqa: S608
    for table, column in (("outbox", "sent_at"), ("inbox", "seen_at"), ("ledger", "created_at"))
)


def outbox_record(
    pool: StorePool,
    event_id: UUID,
    topic: str,
    key: bytes | None,
    value: bytes,
    *,
    not_after: float,
    trace_context: OtelContext | None,
) -> Record:
    """The record of a claimed row. While the producer holds it, the claim is renewed; then the row is marked."""
    acknowledged = False

    def queued(future: asyncio.Future[object]) -> None:
        pool.unacked.add(event_id)
        future.add_done_callback(done)

    def done(future: asyncio.Future[object]) -> None:
        nonlocal acknowledged
        pool.unacked.discard(event_id)
        if not future.cancelled() and future.exception() is None:
            acknowledged = True
            pool.sent_ids.append(event_id)

    async def settled() -> bool:
        try:
            return acknowledged or bool(await pool.fetchval(_SETTLED, event_id, tenant=EVERY))
        except Transient as error:
            log.warning("outbox row not looked up, trying again", error=error.message)
            return False

    headers = (("content-type", b"application/json"), (EVENT_ID_HEADER, str(event_id).encode()))
    return Record(
        topic, key, value, headers, trace_context=trace_context, not_after=not_after, on_queued=queued,
        settled=settled,
    )  # fmt: skip


async def flush_marks(pool: StorePool) -> None:
    """Mark the rows that the broker has, in one statement.

    Losing marks in a crash is harmless (the sweeper finds the events on the log), so the statement does not
    wait for the disk.
    """
    ids, pool.sent_ids[:] = pool.sent_ids[:], []
    if not ids:
        return
    try:
        async with pool.transaction(EVERY, "synchronous_commit = off") as connection:
            await connection.execute(_MARK, ids)
    except Transient as error:
        pool.sent_ids.extend(ids)
        log.warning("outbox marks not written, trying again", error=error.message)


class Sweeper:
    """Sends what a crash, or a broker that did not answer, left in a pool's outbox."""

    def __init__(self, pool: StorePool, publisher: Publisher, kafka: Kafka) -> None:
        self._pool = pool
        self._publisher = publisher
        self._kafka = kafka

    async def run(self) -> None:
        """Flush marks, sweep and purge, until cancelled."""
        chores = (_Chore(self.sweep, _SWEEP_S), _Chore(self.purge, _PURGE_EVERY_S))
        while True:
            await flush_marks(self._pool)
            for chore in chores:
                try:
                    await chore.if_due()
                except (Transient, KafkaError) as error:
                    log.warning("outbox chore failed, trying again", error=repr(error))
            await asyncio.sleep(_FLUSH_S)

    async def keep_claims(self) -> None:
        """Renew, until cancelled: apart from the sweep, which may wait for Kafka for longer than a claim lasts."""
        while True:
            await asyncio.sleep(_RENEW_S)
            try:
                await self.renew()
            except Transient as error:
                log.warning("claims not renewed, trying again", error=error.message)

    async def renew(self) -> None:
        """Keep the claims of rows that the producer still tries to send.

        It never gives up on them, so another process that sent them too would send them twice.
        """
        if self._pool.unacked:
            await self._pool.execute(
                _RENEW, list(self._pool.unacked), holder(self._pool.instance), CLAIM, tenant=EVERY
            )

    async def settle(
        self, beat: Callable[[], None], patience: timedelta = _SWEEP_CLAIM + CLAIM_MARGIN
    ) -> None:
        """Return once everything older than this call is on the log; after ``patience`` go on without.

        Whoever takes over a dead process's partitions would otherwise let the next response of a conversation overtake
        the one whose claim the dead process still holds. ``beat`` is called while it waits.
        """
        until = time.monotonic() + patience.total_seconds()
        begin: datetime | None = None
        while time.monotonic() < until:
            beat()
            try:
                begin = begin or await self._pool.fetchval("SELECT clock_timestamp()")
                if not await self._pool.fetchval(_OLDER, begin, tenant=EVERY):
                    return
                await self.sweep()
                await flush_marks(self._pool)
            except (Transient, KafkaError) as error:
                log.warning("outbox not settled, trying again", error=repr(error))
                await asyncio.sleep(_SWEEP_S)
            await asyncio.sleep(_FLUSH_S)
        log.warning("going on before the outbox is settled")

    async def sweep(self) -> int:
        """Settle the rows whose claim has lapsed; returns how many had to be sent.

        Each is looked up on the log first: a process may have died after the broker had it.
        """
        pool, instance = self._pool, self._pool.instance
        not_after = time.monotonic() + (_SWEEP_CLAIM - CLAIM_MARGIN).total_seconds()
        rows = await pool.fetch(
            _TAKE, holder(instance), earlier_lives(instance), list(pool.unacked), _SWEEP_CLAIM, tenant=EVERY
        )
        if not rows:
            return 0
        found = await find_sent(
            self._kafka,
            [Doubt(r["topic"], r["key"], str(r["event_id"]), r["created_at"]) for r in rows],
        )
        await pool.execute(_MARK, [r["event_id"] for r in rows if str(r["event_id"]) in found], tenant=EVERY)
        missing = sorted((r for r in rows if str(r["event_id"]) not in found), key=lambda r: r["created_at"])
        await self._publisher.send(*(self._record(r, not_after) for r in missing))
        metrics.swept.labels("sent").inc(len(missing))
        metrics.swept.labels("found").inc(len(rows) - len(missing))
        log.info("outbox swept", sent=len(missing), found=len(rows) - len(missing))
        return len(missing)

    async def purge(self) -> None:
        """Forget what is old, some rows at a time."""
        for statement in _PURGE:
            await self._pool.execute(statement, _KEEP, tenant=EVERY)

    def _record(self, row: asyncpg.Record, not_after: float) -> Record:
        return outbox_record(
            self._pool, row["event_id"], row["topic"], row["key"], row["value"], not_after=not_after,
            trace_context=propagate.extract(json.loads(row["headers"]), OtelContext()),
        )  # fmt: skip


class _Chore:
    """Something to do every ``every_s`` seconds, whether or not it worked the last time."""

    def __init__(self, work: Callable[[], Awaitable[object]], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._next = 0.0

    async def if_due(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every_s
            await self._work()

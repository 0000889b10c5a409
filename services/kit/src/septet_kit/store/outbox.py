"""The outbox after the commit: marking what was sent, and sweeping up what was not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
from aiokafka.errors import KafkaError
from opentelemetry import propagate
from opentelemetry.context import Context as OtelContext

from septet_kit.errors import Transient
from septet_kit.messaging.probe import Doubt, find_sent
from septet_kit.messaging.publisher import EVENT_ID_HEADER, Publisher, Record
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.store.claim import earlier_lives, holder
from septet_kit.store.pool import StorePool

log = get_logger()

_FLUSH_S = 0.1
_SWEEP_S = 1.0
_KEEP = timedelta(days=7)
_PURGE_EVERY_S = 600.0

_MARK = "UPDATE outbox SET sent_at = now() WHERE event_id = ANY($1::uuid[]) AND sent_at IS NULL"
_TAKE = """
UPDATE outbox SET claimed_by = $1, claimed_until = now() + interval '30 seconds'
WHERE event_id IN (
    SELECT event_id FROM outbox
    WHERE sent_at IS NULL
      AND (claimed_until < now() OR (claimed_by LIKE $2 AND claimed_by <> $1))
    ORDER BY created_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
RETURNING event_id, topic, key, value, headers, created_at
"""
_PURGE = (
    "DELETE FROM outbox WHERE sent_at < now() - $1::interval",
    "DELETE FROM inbox WHERE seen_at < now() - $1::interval",
    "DELETE FROM ledger WHERE created_at < now() - $1::interval",
)


async def flush_marks(pool: StorePool) -> None:
    """Mark the rows that the broker has, in one statement.

    Losing marks in a crash is harmless (the sweeper finds the events on the log), so the statement does not
    wait for the disk.
    """
    ids, pool.sent_ids[:] = pool.sent_ids[:], []
    if not ids:
        return
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL synchronous_commit = off")
            await connection.execute(_MARK, ids)
    except Transient as error:
        pool.sent_ids.extend(ids)
        log.warning("outbox marks not written, trying again", error=error.message)


class Sweeper:
    """Sends what a crash, or a broker that did not answer, left in a pool's outbox."""

    def __init__(self, pool: StorePool, publisher: Publisher, bootstrap: str) -> None:
        self._pool = pool
        self._publisher = publisher
        self._bootstrap = bootstrap

    async def run(self) -> None:
        """Flush marks and sweep, until cancelled."""
        loop = asyncio.get_running_loop()
        next_sweep, next_purge = loop.time(), loop.time() + _PURGE_EVERY_S
        while True:
            await flush_marks(self._pool)
            try:
                if loop.time() >= next_sweep:
                    await self.sweep()
                    next_sweep = loop.time() + _SWEEP_S
                if loop.time() >= next_purge:
                    await self._purge()
                    next_purge = loop.time() + _PURGE_EVERY_S
            except (Transient, KafkaError) as error:
                log.warning("sweep failed, trying again", error=repr(error))
            await asyncio.sleep(_FLUSH_S)

    async def sweep(self) -> int:
        """Settle the rows whose claim has lapsed; returns how many had to be sent.

        Each is looked up on the log first: a process may have died after the broker had it.
        """
        instance = self._pool.instance
        rows = await self._pool.fetch(_TAKE, holder(instance), earlier_lives(instance))
        if not rows:
            return 0
        found = await find_sent(
            self._bootstrap,
            [Doubt(r["topic"], r["key"], str(r["event_id"]), r["created_at"]) for r in rows],
        )
        missing = [r for r in rows if str(r["event_id"]) not in found]
        await self._publisher.send(*(_record(r) for r in sorted(missing, key=lambda r: r["created_at"])))
        await self._pool.execute(_MARK, [r["event_id"] for r in rows])
        metrics.swept.labels("sent").inc(len(missing))
        metrics.swept.labels("found").inc(len(rows) - len(missing))
        log.info("outbox swept", sent=len(missing), found=len(rows) - len(missing))
        return len(missing)

    async def _purge(self) -> None:
        for statement in _PURGE:
            await self._pool.execute(statement, _KEEP)


def _record(row: asyncpg.Record) -> Record:
    context = propagate.extract(json.loads(row["headers"]), OtelContext())
    headers: Sequence[tuple[str, bytes]] = (
        ("content-type", b"application/json"),
        (EVENT_ID_HEADER, str(row["event_id"]).encode()),
    )
    return Record(row["topic"], row["key"], row["value"], tuple(headers), trace_context=context)

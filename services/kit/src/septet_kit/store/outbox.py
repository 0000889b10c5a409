"""The outbox: what a transaction has to publish, from its row's insert to its removal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from aiokafka.errors import KafkaError
from opentelemetry import context as otel_context
from opentelemetry import propagate
from opentelemetry.context import Context as OtelContext

from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.events import Emit
from septet_kit.messaging.probe import UncertainSend
from septet_kit.observe.logs import get_logger
from septet_kit.store.claim import CLAIM, CLAIM_MARGIN, ClaimedRows, RowClaim, earlier_lives, holder
from septet_kit.store.outbox_event import OutboxEmit, row_record
from septet_kit.store.ports import Database, Log
from septet_kit.store.sweep import report, send_in_order
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.store.upkeep import Repeated
from septet_kit.tenants import SHARED_ONLY, Tenants

log = get_logger()

MAX_VALUE = 2 * 1024 * 1024 - 65_536
"""Most bytes of an event. Topics take 2 MiB; the rest is for headers."""
_SEALED = "septet-sealed"
"""Name of the sealed text in a row's headers."""
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
RETURNING event_id
"""
# Counted, because a plan for the first row that EXISTS finds would read the whole table where there is none.
_OLDER = "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at < $1"
_SETTLED = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE event_id = $1 AND sent_at IS NULL)"
_PURGE = tuple(
    f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < now() - $1::interval LIMIT 5000))"  # noqa: S608
    for table, column in (("outbox", "sent_at"), ("inbox", "seen_at"), ("ledger", "created_at"))
)


Disclose = Callable[[bytes, str], bytes]
"""Makes the bytes of a record from those of its row and its sealed text.

It never raises. If the result would have more than ``MAX_VALUE`` bytes, it leaves the opened text out.
"""


class Outbox:
    """The outbox of one schema, as one process works on it.

    A row is written in the transaction of its effect, under a claim of this process (:meth:`seal`). The publisher sends
    it under that claim, which :meth:`keep_claims` renews until the producer is done. :meth:`run` marks what
    the broker has, sends rows whose claim has lapsed, and removes old rows.
    """

    def __init__(self, database: Database, instance: str) -> None:
        self._database = database
        self._instance = instance
        self._rows = ClaimedRows()
        self._log: Log | None = None
        self._tenants = SHARED_ONLY
        self._disclose: Disclose | None = None
        self._sweeping = asyncio.Lock()

    def connect(self, log: Log, tenants: Tenants) -> None:
        """Set where rows are sent, and on which topics tenants' events travel."""
        self._log = log
        self._tenants = tenants

    def disclose_with(self, disclose: Disclose) -> None:
        """Set how sealed texts become part of records. Rows never hold an opened text."""
        self._disclose = disclose

    def seal(self, emit: Emit) -> OutboxEmit:
        """Fix the bytes, the topic, the trace context and the claim of an event that is about to be written.

        Raises:
            ValueError: the event has no event id.
            Permanent: the event is larger than topics take (code ``event_too_large``).
        """
        if emit.event_id is None:
            raise ValueError("an event without event_id cannot go through the outbox")
        value = emit.value
        if len(value) > MAX_VALUE:
            raise Permanent("event_too_large", f"{emit.topic}: the event has {len(value)} bytes")
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if emit.sealed is not None:
            carrier[_SEALED] = emit.sealed
        event_id = UUID(emit.event_id)
        valid_until = _now() + (CLAIM - CLAIM_MARGIN).total_seconds()
        return OutboxEmit(
            topic=emit.topic,
            event=emit.event,
            key=emit.key,
            id=event_id,
            sealed=emit.sealed,
            stored=value,
            sent=self._disclosed(value, emit.sealed),
            address=self._tenants.address(emit.topic, emit.tenant),
            headers=json.dumps(carrier),
            holder=holder(self._instance),
            claim=self._claim(event_id, otel_context.get_current(), valid_until),
        )

    async def run(self) -> None:
        """Mark, sweep and purge, until cancelled."""
        repeated = (Repeated(self.sweep, _SWEEP_S), Repeated(self.purge, _PURGE_EVERY_S))
        while True:
            await self.mark_sent()
            for each in repeated:
                try:
                    await each.run_if_due()
                except (SeptetError, KafkaError, TimeoutError) as error:
                    log.warning("outbox upkeep failed, trying again", error=repr(error))
            await asyncio.sleep(_FLUSH_S)

    async def keep_claims(self) -> None:
        """Renew, until cancelled. Apart from the sweep, which may wait for Kafka for longer than a claim lasts."""
        while True:
            await asyncio.sleep(_RENEW_S)
            try:
                await self.renew()
            except Transient as error:
                log.warning("claims not renewed, trying again", error=error.message)

    async def renew(self) -> None:
        """Renew the claims on rows that are being sent; a row that another process has taken must not be sent."""
        held = dict(self._rows.held)
        if not held:
            return
        until = _now() + (CLAIM - CLAIM_MARGIN).total_seconds()
        renewed = await self._database.fetch(
            _RENEW, list(held), holder(self._instance), CLAIM, tenant=ALL_TENANTS
        )
        kept = {row["event_id"] for row in renewed}
        for event_id, claim in held.items():
            if event_id in kept:
                claim.extend(until)
            else:
                claim.lose()

    async def mark_sent(self) -> None:
        """Mark the rows that the broker has, in one statement.

        Losing marks in a crash is harmless (the sweep finds the events on the log), so the statement does not
        wait for the disk.
        """
        ids, self._rows.sent = self._rows.sent, []
        if not ids:
            return
        try:
            async with self._database.transaction(ALL_TENANTS, "synchronous_commit = off") as connection:
                await connection.execute(_MARK, ids)
        except BaseException as error:
            self._rows.sent += ids
            if not isinstance(error, Transient):
                raise
            log.warning("outbox marks not written, trying again", error=error.message)

    async def sweep(self) -> int:
        """Settle all rows whose claim has lapsed, batch by batch; returns how many had to be sent.

        Raises:
            Transient: the database or the broker does not answer.
            KafkaError: the log cannot be read.
        """
        total = 0
        async with self._sweeping:
            while (sent := await self._sweep_batch()) is not None:
                total += sent
        return total

    async def settle(self, patience: timedelta = _SWEEP_CLAIM + CLAIM_MARGIN) -> None:
        """Return once every row that is older than this call is on the log, or after ``patience``.

        A process that takes over a dead one's partitions would otherwise publish the next response of a conversation
        before the one whose claim the dead process still holds.
        """
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._settle_older()
        except TimeoutError:
            log.warning("going on before the outbox is settled")

    async def purge(self) -> None:
        """Remove old rows of the chassis' tables, some at a time."""
        for statement in _PURGE:
            await self._database.execute(statement, _KEEP, tenant=ALL_TENANTS)

    async def _settle_older(self) -> None:
        begin: datetime | None = None
        while True:
            try:
                begin = begin or await self._database.fetchval("SELECT clock_timestamp()", tenant=ALL_TENANTS)
                if not await self._database.fetchval(_OLDER, begin, tenant=ALL_TENANTS):
                    return
                await self.sweep()
                await self.mark_sent()
            except (SeptetError, KafkaError, TimeoutError) as error:
                log.warning("outbox not settled, trying again", error=repr(error))
                await asyncio.sleep(_SWEEP_S)
            await asyncio.sleep(_FLUSH_S)

    async def _sweep_batch(self) -> int | None:
        """Mark the rows whose event is on the log, because a process died before it could, and send the others.

        Returns how many were sent, ``None`` if there are no rows.
        """
        if self._log is None:
            raise RuntimeError("the outbox is not connected to a log")
        valid_until = _now() + (_SWEEP_CLAIM - CLAIM_MARGIN).total_seconds()
        rows = await self._database.fetch(
            _TAKE,
            holder(self._instance),
            earlier_lives(self._instance),
            list(self._rows.held),
            _SWEEP_CLAIM,
            tenant=ALL_TENANTS,
        )
        if not rows:
            return None
        rows.sort(key=lambda r: r["created_at"])
        on_log = await self._log.find_sent(
            [UncertainSend(r["topic"], r["key"], str(r["event_id"]), r["created_at"]) for r in rows]
        )
        found = [r["event_id"] for r in rows if str(r["event_id"]) in on_log]
        await self._database.execute(_MARK, found, tenant=ALL_TENANTS)
        claims, missing = [], []
        for row in rows:
            if str(row["event_id"]) not in on_log:
                carrier = json.loads(row["headers"])
                made = propagate.extract(carrier, OtelContext())
                claims.append(self._claim(row["event_id"], made, valid_until))
                value = self._disclosed(row["value"], carrier.get(_SEALED))
                missing.append(row_record(row["event_id"], row["topic"], row["key"], value, claims[-1]))
        await send_in_order(self._log, missing)
        sent = sum(claim.acknowledged for claim in claims)
        report(found=len(found), sent=sent, left=len(claims) - sent)
        return sent

    def _disclosed(self, value: bytes, sealed: str | None) -> bytes:
        """Return the record's bytes: those of the row if there is no sealed text."""
        return value if sealed is None or self._disclose is None else self._disclose(value, sealed)

    def _claim(self, event_id: UUID, trace_context: OtelContext, valid_until: float) -> RowClaim:
        return RowClaim(self._rows, event_id, trace_context, valid_until, self._is_settled)

    async def _is_settled(self, event_id: UUID) -> bool:
        try:
            return bool(await self._database.fetchval(_SETTLED, event_id, tenant=ALL_TENANTS))
        except Transient as error:
            log.warning("outbox row not looked up, trying again", error=error.message)
            return False


def _now() -> float:
    return asyncio.get_running_loop().time()

"""A schema with an outbox, in memory: the statements of the real outbox on a list of rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from septet_kit.errors import Outage
from septet_kit.store import outbox as sql
from septet_kit.store.outbox_event import OutboxEmit

from .clock import now

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Table:
    """The rows, which all instances see."""

    def __init__(self) -> None:
        self.rows: dict[UUID, dict[str, Any]] = {}

    def insert(self, emit: OutboxEmit) -> None:
        """What a committed transaction leaves."""
        event_id, topic, key, value, headers, claimed_by, tenant, claim = emit.row
        assert isinstance(event_id, UUID)
        self.rows[event_id] = {
            "event_id": event_id,
            "topic": topic,
            "key": key,
            "value": value,
            "headers": headers,
            "tenant": tenant,
            "claimed_by": claimed_by,
            "claimed_until": clock() + claim,
            "created_at": clock(),
            "sent_at": None,
        }

    def unsent(self) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if row["sent_at"] is None]


class Connection:
    """One process's way to the table; ``down`` cuts it."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.down = False

    @asynccontextmanager
    async def transaction(self, tenant: str, *local: str) -> AsyncIterator[Any]:
        yield self

    async def execute(self, query: str, *args: Any, tenant: str = "*") -> str:
        self._check()
        if query == sql._MARK:
            for event_id in args[0]:
                if self._table.rows[event_id]["sent_at"] is None:
                    self._table.rows[event_id]["sent_at"] = clock()
        return ""

    async def fetch(self, query: str, *args: Any, tenant: str = "*") -> list[Any]:
        self._check()
        return list({sql._TAKE: self._take, sql._RENEW: self._renew}[query](*args))

    async def fetchval(self, query: str, *args: Any, tenant: str = "*") -> Any:
        self._check()
        if query == sql._OLDER:
            return sum(row["created_at"] < args[0] for row in self._table.unsent())
        if query == sql._SETTLED:
            return args[0] not in {row["event_id"] for row in self._table.unsent()}
        return clock()

    def _take(self, mine: str, lives: str, held: list[UUID], claim: timedelta) -> list[dict[str, Any]]:
        lapsed = [
            row
            for row in self._table.unsent()
            if row["event_id"] not in held
            and (
                row["claimed_until"] < clock()
                or (row["claimed_by"].startswith(lives[:-1]) and row["claimed_by"] != mine)
            )
        ][:200]
        for row in lapsed:
            row.update(claimed_by=mine, claimed_until=clock() + claim)
        return lapsed

    def _renew(self, ids: list[UUID], mine: str, claim: timedelta) -> list[dict[str, Any]]:
        kept = [r for r in self._table.unsent() if r["event_id"] in ids and r["claimed_by"] == mine]
        for row in kept:
            row["claimed_until"] = clock() + claim
        return kept

    def _check(self) -> None:
        if self.down:
            raise Outage("store_unavailable", "no route to the database")


def clock() -> datetime:
    """The database's clock, which is the simulation's."""
    return _EPOCH + timedelta(seconds=now())

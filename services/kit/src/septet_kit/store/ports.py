"""What the outbox needs of the log and of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import asyncpg

from septet_kit.messaging.probe import UncertainSend
from septet_kit.messaging.publisher import Unacknowledged
from septet_kit.record import Record


class Log(Protocol):
    """The log, as :class:`septet_kit.messaging.publisher.Publisher` reaches it."""

    async def attempt(self, records: Sequence[Record]) -> list[Unacknowledged]:
        """Send records; returns those that were not acknowledged."""
        ...

    async def find_sent(self, uncertain: Iterable[UncertainSend]) -> set[str]:
        """The event ids that are on the log."""
        ...


class Database(Protocol):
    """A schema with the chassis' tables, as :class:`septet_kit.store.pool.StorePool` reaches it."""

    def transaction(self, tenant: str, *local: str) -> AbstractAsyncContextManager[asyncpg.Connection]: ...

    async def execute(self, query: str, *args: object, tenant: str) -> str: ...

    async def fetch(self, query: str, *args: object, tenant: str) -> list[asyncpg.Record]: ...

    async def fetchval(self, query: str, *args: object, tenant: str) -> Any: ...

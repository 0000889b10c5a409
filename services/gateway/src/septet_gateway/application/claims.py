"""Charging a request once, although several calls may wait for its response."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from septet_kit.observe import get_logger

from septet_gateway.ports import UsageTable

log = get_logger()


class Claims:
    """Charges each request to the first of its calls that is answered, in all instances.

    Requests that are answered while a statement runs share the next one. If the table cannot be written, each call is
    charged: too much is counted rather than nothing.

    Args:
        table: marks the requests that are charged.
    """

    def __init__(self, table: UsageTable) -> None:
        self._table = table
        self._waiting: defaultdict[str, dict[str, Callable[[], None]]] = defaultdict(dict)
        self._task: asyncio.Task[None] | None = None

    def add(self, tenant: str, request_id: str, charge: Callable[[], None]) -> None:
        """Call ``charge`` in the background if the request is not charged yet."""
        self._waiting[tenant].setdefault(request_id, charge)
        if self._task is None:
            self._task = asyncio.create_task(self._claim())

    async def close(self, timeout: float) -> None:
        """Wait until the calls so far have been charged, for ``timeout`` seconds at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout)

    async def _claim(self) -> None:
        try:
            while self._waiting:
                tenant, charges = self._waiting.popitem()
                try:
                    claimed = await self._table.claim(tenant, [*charges])
                except Exception as error:
                    log.warning("requests could not be marked as charged", error=repr(error))
                    claimed = charges.keys()
                for request_id in claimed:
                    charges[request_id]()
        finally:
            self._task = None

"""Requests that wait for their responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from septet_contracts import Response

from septet_gateway.application.charging import PendingCharges
from septet_gateway.application.partials import Partials
from septet_gateway.application.places import Places
from septet_gateway.domain.identity import is_response_to
from septet_gateway.telemetry import waiting_requests


@dataclass(frozen=True, eq=False)
class _Waiter:
    digest: str
    future: asyncio.Future[Response]


class Waiting:
    """A bounded map of futures by tenant and request id. Several callers may wait for the same request.

    Attributes:
        places: bounds the callers.
        partials: those of the callers that stream.
        charges: those of callers that have ended before their response.
    """

    def __init__(self, limit: int, per_tenant: int | None = None) -> None:
        self.places = Places(limit, per_tenant)
        self.partials = Partials()
        self.charges = PendingCharges()
        self._waiters: defaultdict[tuple[str, str], list[_Waiter]] = defaultdict(list)

    @contextmanager
    def expect(self, tenant: str, request_id: str, digest: str) -> Iterator[asyncio.Future[Response]]:
        """Wait for a response during a block.

        Raises:
            ApiError: status 429, because too many requests wait.
        """
        waiter = _Waiter(digest, asyncio.get_running_loop().create_future())
        key = tenant, request_id
        with self.places.take(tenant), waiting_requests.track_inprogress():
            self._waiters[key].append(waiter)
            try:
                yield waiter.future
            finally:
                waiter.future.cancel()
                self._waiters[key].remove(waiter)
                if not self._waiters[key]:
                    del self._waiters[key]

    def is_expected(self, tenant: str, request_id: str) -> bool:
        """Whether a caller waits for this request."""
        return (tenant, request_id) in self._waiters

    def has_use(self, tenant: str, request_id: str) -> bool:
        """Whether a caller waits for this request, or is to be charged for it."""
        return self.is_expected(tenant, request_id) or self.charges.is_expected(tenant, request_id)

    def deliver(self, response: Response) -> None:
        """Give a response to the callers that wait for it, and charge the one that has ended."""
        self.charges.deliver(response)
        for waiter in self._waiters.get((response.tenant, response.request_id), ()):
            if not waiter.future.done() and is_response_to(response, waiter.digest):
                waiter.future.set_result(response)

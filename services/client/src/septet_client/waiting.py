"""Requests of this client that wait for their responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from septet_contracts import SHARED, Response
from septet_contracts.identity import is_response_to

from septet_client.options import Prepared


@dataclass(eq=False)
class Waiter:
    """One call that waits. ``on_text`` gets the records of checked text that precede the response."""

    digest: str
    response: asyncio.Future[Response] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    on_text: Callable[[bytes], None] | None = None


class Waiting:
    """Waiters by request id. Several calls may wait for the same request."""

    def __init__(self, tenant: str) -> None:
        # The shared topics answer a request of a tenant with own topics for the tenant `shared`.
        self._tenants = frozenset({tenant, SHARED})
        self._waiters: defaultdict[str, list[Waiter]] = defaultdict(list)

    def __len__(self) -> int:
        """Number of requests that are waited for."""
        return len(self._waiters)

    @contextmanager
    def expect(
        self, prepared: Prepared, on_text: Callable[[bytes], None] | None = None
    ) -> Iterator[asyncio.Future[Response]]:
        """Wait for the response to a request during a block."""
        waiter, request_id = Waiter(prepared.digest, on_text=on_text), prepared.request.request_id
        self._waiters[request_id].append(waiter)
        try:
            yield waiter.response
        finally:
            waiter.response.cancel()
            self._waiters[request_id].remove(waiter)
            if not self._waiters[request_id]:
                del self._waiters[request_id]

    def is_expected(self, tenant: str, request_id: str | None) -> bool:
        """Whether a call waits for this request."""
        return request_id in self._waiters and tenant in self._tenants

    def deliver(self, response: Response) -> None:
        """Give a response to the calls that wait for it."""
        for waiter in self._waiters.get(response.request_id, ()):
            if not waiter.response.done() and is_response_to(response, waiter.digest):
                waiter.response.set_result(response)

    def deliver_text(self, request_id: str, value: bytes) -> None:
        """Give a record of checked text to the calls that stream this request."""
        for waiter in self._waiters.get(request_id, ()):
            if waiter.on_text is not None:
                waiter.on_text(value)

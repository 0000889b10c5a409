"""Requests of this client that wait for their responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from septet_contracts import SHARED, Response
from septet_contracts.identity import is_response_to

from septet_client.history import is_conflict
from septet_client.options import Prepared

Stage: TypeAlias = Literal["place", "search", "published"]
"""What a call waits for: a place among the waiting calls, the search for an earlier response, or the response."""


class Waiter:
    """One call that waits.

    A conflict precedes the answer to the body that was published first. So it does not end the wait for that answer.

    Attributes:
        digest: digest of the body whose response is awaited.
        on_text: gets the records of checked text that precede the response.
        stage: what the call waits for.
    """

    def __init__(self, digest: str, on_text: Callable[[bytes], None] | None = None) -> None:
        self.digest = digest
        self.on_text = on_text
        self.stage: Stage = "place"
        self._answer, self._conflict = _future(), _future()

    @property
    def answered(self) -> bool:
        """Whether a response arrived that is no conflict."""
        return self._answer.done()

    def wait_for(self, digest: str) -> None:
        """Wait for the response to a body. The conflict of another body is dropped."""
        if digest != self.digest:
            self.digest, self._conflict = digest, _future()

    def deliver(self, response: Response) -> None:
        """Take a response, unless it is the conflict of another body.

        An answer to another body ends the wait, too: no answer to this one follows.
        """
        if not is_conflict(response):
            future = self._answer
        elif is_response_to(response, self.digest):
            future = self._conflict
        else:
            return
        if not future.done():
            future.set_result(response)

    async def response(self) -> Response:
        """The response: the conflict if there is no other."""
        await asyncio.wait([self._answer, self._conflict], return_when=asyncio.FIRST_COMPLETED)
        return self._answer.result() if self._answer.done() else self._conflict.result()


def _future() -> asyncio.Future[Response]:
    return asyncio.get_running_loop().create_future()


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
    def expect(self, prepared: Prepared, on_text: Callable[[bytes], None] | None = None) -> Iterator[Waiter]:
        """Wait for the response to a request during a block."""
        waiter, request_id = Waiter(prepared.digest, on_text), prepared.request.request_id
        self._waiters[request_id].append(waiter)
        try:
            yield waiter
        finally:
            self._waiters[request_id].remove(waiter)
            if not self._waiters[request_id]:
                del self._waiters[request_id]

    def is_expected(self, tenant: str, request_id: str | None) -> bool:
        """Whether a call waits for this request."""
        return request_id in self._waiters and tenant in self._tenants

    def deliver(self, response: Response) -> None:
        """Give a response to the calls that wait for it."""
        for waiter in self._waiters.get(response.request_id, ()):
            waiter.deliver(response)

    def deliver_text(self, request_id: str, value: bytes) -> None:
        """Give a record of checked text to the calls that stream this request."""
        for waiter in self._waiters.get(request_id, ()):
            if waiter.on_text is not None:
                waiter.on_text(value)

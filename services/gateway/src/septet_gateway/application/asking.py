"""Publishing a request and waiting for its response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial as bound

from septet_contracts import Request, Response, encode, request_digest
from septet_kit.events import DEFAULT_DEADLINE, MAX_DEADLINE

from septet_gateway.application.backpressure import Backpressure
from septet_gateway.application.partials import Partial
from septet_gateway.application.quotas import Charge
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.errors import ApiError, of_code
from septet_gateway.domain.identity import is_answer_to, is_request_id, variants_of
from septet_gateway.domain.quotas import tokens_of
from septet_gateway.ports import Log, Published, RequestTable


class Asker:
    """Publishes requests, and returns one response for each.

    A request id that was used before gives the response that is on the log. If there is none yet, the same bytes are
    published again: the gateway may have ended between storing the id and publishing.
    """

    def __init__(
        self,
        log: Log,
        requests: RequestTable,
        waiting: Waiting,
        pressure: Backpressure,
        margin: timedelta,
    ) -> None:
        self._log = log
        self._requests = requests
        self._waiting = waiting
        self._pressure = pressure
        self._margin = margin

    async def ask(self, request: Request, charge: Charge, partial: Partial | None = None) -> Response:
        """The response to a request.

        Args:
            request: to publish.
            charge: is called with the tokens of a response that followed the publication, also after this call was
                cancelled if it was shown text. The response of an earlier call is free. Of several calls that wait for
                the same response, one is charged.
            partial: gets the text that is released before the response.

        Raises:
            ApiError: 409 if the id was used with another body, 429 if too many requests wait, 504 if no response came.
            Transient, Permanent: the request could not be stored or published.
        """
        self._pressure.check()
        patience = self._patience(request)
        once = bound(charge, request_id=request.request_id)
        try:
            async with asyncio.timeout(patience):
                return _answer(await self._response_to(request, once, partial), request)
        except TimeoutError:
            raise ApiError(
                504,
                f"no response to request {request.request_id} arrived in time; read it later by this id",
                code="deadline_exceeded",
            ) from None

    async def _response_to(
        self, request: Request, charge: Callable[[int], None], partial: Partial | None
    ) -> Response:
        """The response on the log, or else the one that follows the publication.

        A body that was published with another `stream` is the same body, and is published as it was.
        """
        digest = request_digest(encode(request))
        tenant, request_id = request.tenant, request.request_id
        with self._waiting.expect(tenant, request_id, digest) as future:
            earlier = await self._requests.record(tenant, request_id, digest)
            if earlier is not None and earlier.digest == digest:
                found = await self._log.find(tenant, request_id, earlier.published_at, digest)
                if found is not None:
                    return found
            if earlier is None or earlier.digest == digest:
                with self._waiting.partials.follow(partial), self._charging(request, future, charge, partial):
                    await self._log.publish(request)
                    return await future
        other = variants_of(request).get(earlier.digest)
        if other is None:
            raise _conflict()
        return await self._response_to(other, charge, partial)

    @contextmanager
    def _charging(
        self,
        request: Request,
        future: asyncio.Future[Response],
        charge: Callable[[int], None],
        partial: Partial | None,
    ) -> Iterator[None]:
        """Charge a call for its response. A call that ends before, and was shown text, is charged later."""
        charges, owner = self._waiting.charges, (request.tenant, request.request_id)
        owed = charges.withdraw(*owner)
        try:
            yield
        finally:
            received = partial.received if partial is not None else 0
            shown = received + (owed or 0)
            # The client may disconnect after the response was delivered and before this call goes on.
            if future.done() and not future.cancelled():
                charge(tokens_of(future.result(), shown))
            elif received or owed is not None:
                charges.add(*owner, request_digest(encode(request)), charge, shown)

    async def submit(self, request: Request, charge: Charge) -> None:
        """Publish a request without waiting for its response. One that has its response is not published again.

        Args:
            request: to publish.
            charge: is called with the tokens of the response when it arrives.

        Raises:
            ApiError: 409 if the id was used with another body, 429 if too many requests wait.
            Transient, Permanent: the request could not be stored or published.
        """
        self._pressure.check()
        tenant, request_id = request.tenant, request.request_id
        variants = variants_of(request)
        digest = next(iter(variants))
        with self._waiting.places.take(tenant):
            earlier = await self._requests.record(tenant, request_id, digest)
            if earlier is not None:
                digest = earlier.digest
                if digest not in variants:
                    raise _conflict()
                if await self._log.find(tenant, request_id, earlier.published_at, digest) is not None:
                    return
            # The response may arrive before the acknowledgement.
            patience = self._patience(request)
            once = bound(charge, request_id=request_id)
            self._waiting.charges.add(tenant, request_id, digest, once, wait_s=patience)
            await self._log.publish(variants[digest])

    async def earlier(self, tenant: str, request_id: str) -> Response | None:
        """The response to a request that was asked before; ``None`` if it is not on the log yet.

        Raises:
            ApiError: 404 if the tenant has no such request, 429 if too many calls wait.
        """
        published = await published_request(self._requests, tenant, request_id)
        if self._waiting.is_expected(tenant, request_id):
            return None
        with self._waiting.places.take(tenant):
            return await self._log.find(tenant, request_id, published.published_at, published.digest)

    def _patience(self, request: Request) -> float:
        """Seconds until the response must have come. Every service limits the deadline in the same way."""
        now = datetime.now(UTC)
        deadline = min(request.deadline or now + DEFAULT_DEADLINE, now + MAX_DEADLINE)
        return max(0.0, (deadline - now + self._margin).total_seconds())


async def published_request(requests: RequestTable, tenant: str, request_id: str) -> Published:
    """A request that the gateway has published for a tenant.

    Raises:
        ApiError: 404 if the tenant has no such request.
    """
    # A text that is no request id may hold characters that databases do not store.
    published = await requests.find(tenant, request_id) if is_request_id(request_id) else None
    if published is None:
        raise ApiError(404, f"there is no request {request_id}", code="request_not_found")
    return published


def _answer(response: Response, request: Request) -> Response:
    """The response, if it answers this request. Clients of Kafka may use the same id for another body.

    Raises:
        ApiError: 409, it does not.
    """
    if not is_answer_to(response, request):
        raise _conflict()
    return response


def _conflict() -> ApiError:
    return of_code("conflict", "this request id was already used with another body")

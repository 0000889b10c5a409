"""Cancelling requests: for a client that has disconnected, or at its request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set
from datetime import UTC, datetime, timedelta

from septet_contracts import Cancellation, Request
from septet_kit.errors import SeptetError
from septet_kit.observe import get_logger

from septet_gateway.application.asking import published_request
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.identity import variants_of
from septet_gateway.ports import Log, RequestTable
from septet_gateway.telemetry import cancellations, request_span

log = get_logger()

_PUBLISH_S = 5.0
_CLOSE_S = 2.0
_MOST_TASKS = 1_000


class Canceller:
    """Publishes cancellations.

    Args:
        log: to which they are published.
        requests: those that the gateway has published.
        waiting: the calls of this process that wait for a response.
        grace: how long a client may take to repeat a call that has an idempotency key.
    """

    def __init__(self, log: Log, requests: RequestTable, waiting: Waiting, grace: timedelta) -> None:
        self._log = log
        self._requests = requests
        self._waiting = waiting
        self._grace_s = grace.total_seconds()
        self._tasks: set[asyncio.Task[None]] = set()

    async def cancel(self, tenant: str, request_id: str, headers: Mapping[str, str]) -> None:
        """Cancel a request of a tenant. ``headers`` may hold a trace context.

        Raises:
            ApiError: 404 if the tenant has no such request.
            Transient, Permanent: the cancellation was not published.
        """
        await published_request(self._requests, tenant, request_id)
        event = _cancellation(tenant, request_id, None, "cancelled by the client")
        with request_span("cancel", headers, tenant, request_id):
            await self._log.publish(event)
        cancellations.labels("asked").inc()

    def abandon(self, request: Request, headers: Mapping[str, str], *, is_repeatable: bool) -> None:
        """Cancel a request in the background, because the client of a call has disconnected before the response.

        Args:
            request: of the call.
            headers: of the call. They may hold a trace context.
            is_repeatable: whether the call has an idempotency key, under which the client may repeat it.
        """
        if len(self._tasks) >= _MOST_TASKS:
            cancellations.labels("dropped").inc()
            return
        event = _cancellation(
            request.tenant, request.request_id, request.conversation_id, "the client has disconnected"
        )
        digests = frozenset(variants_of(request))
        grace_s = self._grace_s if is_repeatable else 0.0
        task = asyncio.create_task(self._abandon(event, digests, headers, grace_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give the background tasks a moment to end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_S)
        for task in self._tasks:
            task.cancel()

    async def _abandon(
        self, event: Cancellation, digests: Set[str], headers: Mapping[str, str], grace_s: float
    ) -> None:
        try:
            await asyncio.sleep(grace_s)
            async with asyncio.timeout(_PUBLISH_S):
                cancellations.labels(await self._publish(event, digests, headers)).inc()
        except (SeptetError, TimeoutError) as error:
            cancellations.labels("failed").inc()
            log.warning("a cancellation was not published", request_id=event.request_id, error=str(error))

    async def _publish(self, event: Cancellation, digests: Set[str], headers: Mapping[str, str]) -> str:
        """Publish a cancellation, unless it would end another call; returns the result's name."""
        tenant, request_id = event.tenant, event.request_id
        published = await self._requests.find(tenant, request_id)
        # The id may belong to another body, whose conflict the client has not waited for.
        if published is None or published.digest not in digests:
            return "not_published"
        if self._waiting.is_expected(tenant, request_id):
            return "repeated"
        with request_span("cancel", headers, tenant, request_id):
            await self._log.publish(event)
        return "disconnected"


def _cancellation(tenant: str, request_id: str, conversation_id: str | None, reason: str) -> Cancellation:
    return Cancellation(
        request_id=request_id,
        tenant=tenant,
        conversation_id=conversation_id,
        occurred_at=datetime.now(UTC),
        reason=reason,
    )

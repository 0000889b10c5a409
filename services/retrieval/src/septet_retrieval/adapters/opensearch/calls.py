"""Calls to OpenSearch, with spans, typed errors, retries and a circuit breaker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from opensearchpy import AsyncOpenSearch
from septet_kit import Transient
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from septet_retrieval.adapters.opensearch.breaker import Breaker
from septet_retrieval.adapters.opensearch.errors import UNAVAILABLE, typed_errors
from septet_retrieval.telemetry import opensearch_span

_wait = wait_random_exponential(multiplier=0.05, max=0.5)


class Calls:
    """Calls a client. All users of a cluster share one instance and so one circuit breaker."""

    def __init__(self, client: AsyncOpenSearch, breaker: Breaker) -> None:
        self.client = client
        self._breaker = breaker

    async def __call__(
        self,
        operation: str,
        target: str,
        call: Callable[[AsyncOpenSearch], Awaitable[Any]],
        attempts: int = 1,
    ) -> Any:
        """Run ``call``; retry up to ``attempts`` times if the server is down or busy.

        Only calls that no caller retries have more than one attempt. A call that timed out is not retried,
        because it used up the caller's time.

        Raises:
            Transient: the server is down, slow or busy (``lexical_unavailable``, ``lexical_timeout``), or
                the circuit breaker is open (``lexical_circuit_open``).
            Permanent: the server rejects the request (``lexical_rejected``).
        """
        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts), wait=_wait, retry=retry_if_exception(_is_down), reraise=True
        )
        async for attempt in retrying:
            with attempt:
                return await self._once(operation, target, call)
        raise AssertionError("tenacity returns or raises")

    async def _once(
        self, operation: str, target: str, call: Callable[[AsyncOpenSearch], Awaitable[Any]]
    ) -> Any:
        with opensearch_span(operation, target):
            async with self._breaker:
                with typed_errors():
                    return await call(self.client)


def _is_down(error: BaseException) -> bool:
    return isinstance(error, Transient) and error.code == UNAVAILABLE

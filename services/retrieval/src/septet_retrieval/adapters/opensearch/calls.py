"""Every call to OpenSearch: traced, typed, and stopped by a circuit breaker while the server is down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opensearchpy import AsyncOpenSearch
from opentelemetry import trace
from septet_kit import SeptetError, Transient
from septet_kit.observe import span
from septet_kit.observe.tracing import mark_failed
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from septet_retrieval.adapters.opensearch.breaker import Breaker
from septet_retrieval.adapters.opensearch.errors import UNAVAILABLE, typed_errors

_wait = wait_random_exponential(multiplier=0.05, max=0.5)


class Calls:
    """Calls a client; shared by everything that uses one cluster, so that all of it knows when it is down."""

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
        """Run ``call``, at most ``attempts`` times where the server was down or busy.

        Only callers that nobody else retries ask for more than one attempt. A call that timed out is not
        repeated: the time that the caller has is gone with it.

        Raises:
            Transient: the server is down, slow or busy (``lexical_unavailable``, ``lexical_timeout``), or
                was so a moment ago (``lexical_circuit_open``).
            Permanent: it refuses the request (``lexical_rejected``).
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
        with _traced(operation, target):
            async with self._breaker:
                with typed_errors():
                    return await call(self.client)


def _is_down(error: BaseException) -> bool:
    return isinstance(error, Transient) and error.code == UNAVAILABLE


@contextmanager
def _traced(operation: str, target: str) -> Iterator[None]:
    """A client span, where the call belongs to a trace: background work would make one trace a call."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield
        return
    attributes = {
        "db.system.name": "opensearch", "db.operation.name": operation, "db.collection.name": target,
    }  # fmt: skip
    with span(f"{operation} {target}", kind="client", **attributes) as current:
        try:
            yield
        except SeptetError as error:
            mark_failed(current, error.code, error.message)
            raise

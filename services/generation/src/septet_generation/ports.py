"""Ports of the generation service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from septet_generation.domain.chat import ChatRequest, Delta


class ChatModel(Protocol):
    """A chat completions API."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream one completion. Closing the iterator ends the request on the server.

        Raises:
            Transient: the endpoint is down, busy or slow, or the stream ended early (codes
                ``model_unreachable``, ``model_timeout``, ``model_busy``, ``model_error``,
                ``model_broken_stream``).
            Permanent: the endpoint rejects the request (codes ``model_rejected``, ``model_unauthorized``,
                ``model_not_found``, ``model_quota_exhausted``, ``model_unsupported_schema``).
        """
        ...


class Epochs(Protocol):
    """Numbers the attempts to stream an answer. A chunk carries the epoch of its attempt."""

    async def next(self, tenant: str, request_id: str) -> int:
        """Return the next epoch of a request: 1 at first, then higher each time, also after a restart."""
        ...

    async def purge(self, older_than: timedelta) -> None:
        """Delete the epochs of requests that were not streamed for ``older_than``."""
        ...


class Ledger(Protocol):
    """Stores the result of a costly step."""

    async def run(
        self, key: str, work: Callable[[], Awaitable[bytes]], lease: timedelta, *, tenant: str
    ) -> tuple[bytes, bool]:
        """Return the result of ``work``, and whether an earlier run stored it."""
        ...

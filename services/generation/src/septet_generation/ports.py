"""What drafting needs from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from septet_generation.domain.chat import ChatRequest, Delta


class ChatModel(Protocol):
    """A chat completions API."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream one completion; closing the iterator frees the server.

        Raises:
            Transient: the endpoint is down, busy, slow, or broke off (codes ``model_unreachable``,
                ``model_timeout``, ``model_busy``, ``model_error``, ``model_broken_stream``).
            Permanent: it will not take this request (codes ``model_rejected``, ``model_unauthorized``,
                ``model_not_found``, ``model_quota_exhausted``, ``model_unsupported_schema``).
        """
        ...


class Epochs(Protocol):
    """Numbers the tries at a request's answer."""

    async def next(self, tenant: str, request_id: str) -> int:
        """1 for the first try, and more for each further one, across restarts."""
        ...


class Ledger(Protocol):
    """Remembers the result of a costly step."""

    async def run(
        self, key: str, work: Callable[[], Awaitable[bytes]], lease: timedelta, *, tenant: str
    ) -> tuple[bytes, bool]:
        """The result of ``work``, and whether it is an earlier run's."""
        ...

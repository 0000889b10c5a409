"""Charges for responses that arrive after their call has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from septet_contracts import Response

from septet_gateway.domain.identity import is_response_to
from septet_gateway.domain.quotas import estimated_tokens, tokens_of

_MOST = 10_000
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class _Pending:
    digest: str
    charge: Callable[[int], None]
    shown: int
    timer: asyncio.TimerHandle


class PendingCharges:
    """Calls that have ended before their response and that still have to be charged, by tenant and request id.

    The response charges its tokens. Without a response in time, the call is charged the estimate of the text that it
    was shown. The same holds for calls above 10,000, and for all that are left when the process ends.
    """

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], _Pending] = {}

    def add(
        self,
        tenant: str,
        request_id: str,
        digest: str,
        charge: Callable[[int], None],
        shown: int = 0,
        wait_s: float = _LONGEST_WAIT_S,
    ) -> None:
        """Charge a call as soon as its response arrives. It replaces an earlier call of the same request, and adds its text.

        Args:
            tenant: of the request.
            request_id: of the request.
            digest: of the request's body.
            charge: counts tokens.
            shown: bytes of the text that the call has received.
            wait_s: for how long to wait for the response.
        """
        shown += self.withdraw(tenant, request_id) or 0
        if len(self._pending) >= _MOST:
            charge(estimated_tokens(shown))
            return
        timer = asyncio.get_running_loop().call_later(wait_s, self._expire, tenant, request_id)
        self._pending[tenant, request_id] = _Pending(digest, charge, shown, timer)

    def withdraw(self, tenant: str, request_id: str) -> int | None:
        """Leave the charge to another call of the request; returns the bytes shown, ``None`` without a charge."""
        pending = self._pending.pop((tenant, request_id), None)
        if pending is None:
            return None
        pending.timer.cancel()
        return pending.shown

    def is_expected(self, tenant: str, request_id: str) -> bool:
        """Whether the response to this request is to be charged."""
        return (tenant, request_id) in self._pending

    def deliver(self, response: Response) -> None:
        """Charge a response."""
        pending = self._pending.get((response.tenant, response.request_id))
        if pending is not None and is_response_to(response, pending.digest):
            self.withdraw(response.tenant, response.request_id)
            pending.charge(tokens_of(response, pending.shown))

    def close(self) -> None:
        """Charge every call that is left."""
        for tenant, request_id in [*self._pending]:
            self._expire(tenant, request_id)

    def _expire(self, tenant: str, request_id: str) -> None:
        pending = self._pending.pop((tenant, request_id))
        pending.timer.cancel()
        pending.charge(estimated_tokens(pending.shown))

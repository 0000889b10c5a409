"""Bounds on the calls that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from septet_gateway.domain.errors import ApiError


class Places:
    """Counts the calls that wait, in all and for each tenant.

    Args:
        limit: calls of all tenants.
        per_tenant: calls of one tenant; ``None`` for ``limit``.
    """

    def __init__(self, limit: int, per_tenant: int | None = None) -> None:
        self._limit = limit
        self._per_tenant = limit if per_tenant is None else per_tenant
        self._taken: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """The calls that wait."""
        return self._taken.total()

    @contextmanager
    def take(self, tenant: str) -> Iterator[None]:
        """Count a call during a block.

        Raises:
            ApiError: status 429, because too many calls wait.
        """
        if self.count >= self._limit:
            raise ApiError(429, f"{self._limit} calls wait", code="too_many_requests")
        if self._taken[tenant] >= self._per_tenant:
            message = f"{self._per_tenant} calls of this tenant wait"
            raise ApiError(429, message, code="too_many_requests")
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken[tenant] -= 1
            if not self._taken[tenant]:
                del self._taken[tenant]

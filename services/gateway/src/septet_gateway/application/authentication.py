"""Authentication of callers by API keys."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from septet_gateway.domain.errors import ApiError, unauthorized
from septet_gateway.domain.keys import PREFIX, ApiKey, Caller, digest_of, id_of, matches
from septet_gateway.ports import KeyTable

_CACHED = 4096
_MISSES = 2


class Authenticator:
    """Checks API keys. A look-up is cached for ``ttl``, which bounds the delay of a revocation.

    Concurrent calls with one key share a look-up. Look-ups of ids that were not found before run two at a time, so that
    guessed keys do not take the connections of the pool.

    Args:
        keys: the stored keys.
        secret: of the keys' hashes.
        ttl: for how long a look-up is cached.
        clock: in seconds.
    """

    def __init__(
        self,
        keys: KeyTable,
        secret: bytes,
        ttl: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._secret = secret
        self._ttl = ttl.total_seconds()
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()
        self._pending: dict[str, asyncio.Task[ApiKey | None]] = {}
        self._misses = asyncio.Semaphore(_MISSES)

    async def authenticate(self, headers: Mapping[str, str], query: str) -> Caller:
        """The caller of a request.

        Args:
            headers: of the request, by name in lower case.
            query: the query string. A key there is refused, because proxies log it.

        Raises:
            ApiError: 401; the error is the same for every reason.
            Transient: the keys cannot be read.
        """
        kind, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip()
        key_id = id_of(key)
        if kind.lower() != "bearer" or key_id is None or PREFIX in query:
            raise unauthorized()
        stored = await self._find(key_id)
        if not matches(stored, digest_of(key, self._secret)):
            raise unauthorized()
        assert stored is not None
        if not stored.is_valid(datetime.now(UTC)):
            raise unauthorized()
        return Caller(stored.tenant, stored.key_id, frozenset(stored.scopes))

    async def _find(self, key_id: str) -> ApiKey | None:
        known = self._known.get(key_id)
        if known is not None and self._clock() - known[0] < self._ttl:
            return known[1]
        task = self._pending.get(key_id)
        if task is None:
            is_known = known is not None and known[1] is not None
            task = asyncio.ensure_future(self._look_up(key_id, is_known=is_known))
            self._pending[key_id] = task
            task.add_done_callback(lambda done: self._end(key_id, done))
        return await asyncio.shield(task)

    def _end(self, key_id: str, task: asyncio.Task[ApiKey | None]) -> None:
        del self._pending[key_id]
        if not task.cancelled():
            # All its callers may have disconnected, and asyncio logs an error that is not read.
            task.exception()

    async def _look_up(self, key_id: str, *, is_known: bool) -> ApiKey | None:
        async with nullcontext() if is_known else self._misses:
            now = self._clock()
            found = await self._keys.find(key_id)
        self._known[key_id] = (now, found)
        self._known.move_to_end(key_id)
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return found


def require(caller: Caller, scope: str) -> None:
    """Check that a caller's key has a scope.

    Raises:
        ApiError: 403.
    """
    if not caller.may(scope):
        raise ApiError(403, f"this API key does not have the scope `{scope}`", code="missing_scope")

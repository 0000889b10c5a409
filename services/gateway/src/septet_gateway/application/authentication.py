"""Authentication of callers by API keys."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie

from septet_gateway.domain.errors import ApiError, unauthorized
from septet_gateway.domain.keys import PREFIX, ApiKey, Caller, digest_of, id_of, matches
from septet_gateway.domain.sessions import COOKIE, HEADER, seal, unseal
from septet_gateway.ports import KeyTable

_CACHED = 4096
_STRANGERS = 2
# An id that no key has, so that a call without a key is looked up, too.
_NO_ID = ""


class Authenticator:
    """Checks API keys. An accepted key is cached for ``ttl``, which bounds the delay of a revocation.

    A refusal is never cached: each one looks its id up, hashes the key and compares, so that its time does not depend on
    its reason. Concurrent calls with one key share a look-up. Look-ups of keys that were not accepted before run two at a
    time, so that guessed keys do not take the connections of the pool.

    Args:
        keys: the stored keys.
        secret: of the keys' hashes.
        ttl: for how long an accepted key is cached.
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
        self._accepted: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._pending: dict[tuple[str, bool], asyncio.Task[tuple[float, ApiKey | None]]] = {}
        self._strangers = asyncio.Semaphore(_STRANGERS)

    async def authenticate(self, headers: Mapping[str, str], query: str) -> Caller:
        """The caller of a request.

        Args:
            headers: of the request, by name in lower case.
            query: the query string. A key there is refused, because proxies log it.

        Raises:
            ApiError: 401; the error is the same for every reason.
            Transient: the keys cannot be read.
        """
        if "authorization" not in headers and HEADER in headers:
            return await self._resume(headers.get("cookie", ""))
        kind, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip()
        key_id = id_of(key) or _NO_ID
        is_proper = kind.lower() == "bearer" and PREFIX not in query
        digest = digest_of(key, self._secret)
        at, known = self._accepted.get(key_id, (0.0, None))
        is_known = matches(known, digest) and is_proper
        if is_known and known is not None and self._clock() - at < self._ttl and _is_valid(known):
            return _caller(known)
        at, stored = await self._find(key_id, is_known=is_known)
        is_match = matches(stored, digest) and is_proper
        if stored is None or not is_match or not _is_valid(stored):
            if is_known:
                self._accepted.pop(key_id, None)
            raise unauthorized()
        self._accept(at, stored)
        return _caller(stored)

    def session(self, caller: Caller, until: datetime) -> str:
        """The value of a session cookie for the caller's key."""
        return seal(caller.key_id, until, self._secret)

    async def _resume(self, cookies: str) -> Caller:
        """The caller of a session. A forged cookie is refused without a look-up."""
        key_id = unseal(_cookie(cookies), self._secret, datetime.now(UTC))
        if key_id is None:
            raise unauthorized()
        at, key = self._accepted.get(key_id, (0.0, None))
        if key is None or self._clock() - at >= self._ttl:
            at, key = await self._find(key_id, is_known=True)
        if key is None or not _is_valid(key):
            self._accepted.pop(key_id, None)
            raise unauthorized()
        self._accept(at, key)
        return _caller(key)

    def _accept(self, at: float, key: ApiKey) -> None:
        self._accepted[key.key_id] = (at, key)
        self._accepted.move_to_end(key.key_id)
        while len(self._accepted) > _CACHED:
            self._accepted.popitem(last=False)

    async def _find(self, key_id: str, *, is_known: bool) -> tuple[float, ApiKey | None]:
        """The stored key with this id, and the time of its look-up."""
        # A guess at the secret of a known id must not make its owner wait with the other guesses.
        lane = key_id, is_known
        task = self._pending.get(lane)
        if task is None:
            task = asyncio.ensure_future(self._look_up(key_id, is_known=is_known))
            self._pending[lane] = task
            task.add_done_callback(lambda done: self._end(lane, done))
        return await asyncio.shield(task)

    def _end(self, lane: tuple[str, bool], task: asyncio.Task[tuple[float, ApiKey | None]]) -> None:
        del self._pending[lane]
        if not task.cancelled():
            # All its callers may have disconnected, and asyncio logs an error that is not read.
            task.exception()

    async def _look_up(self, key_id: str, *, is_known: bool) -> tuple[float, ApiKey | None]:
        async with nullcontext() if is_known else self._strangers:
            return self._clock(), await self._keys.find(key_id)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _is_valid(key: ApiKey) -> bool:
    return key.is_valid(datetime.now(UTC))


def _caller(key: ApiKey) -> Caller:
    return Caller(key.tenant, key.key_id, frozenset(key.scopes), key.streams)


def require(caller: Caller, scope: str) -> None:
    """Check that a caller's key has a scope.

    Raises:
        ApiError: 403.
    """
    if not caller.may(scope):
        raise ApiError(403, f"this API key does not have the scope `{scope}`", code="missing_scope")

"""Who sent a request: API keys."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from septet_gateway.domain.errors import ApiError, unauthorized
from septet_gateway.domain.keys import PREFIX, ApiKey, Caller, digest_of, id_of, matches
from septet_gateway.ports import KeyTable

_CACHED = 4096


class Authenticator:
    """Checks API keys. A look-up is cached for ``ttl``, which bounds the delay of a revocation."""

    def __init__(self, keys: KeyTable, secret: bytes, ttl: timedelta) -> None:
        self._keys = keys
        self._secret = secret
        self._ttl = ttl.total_seconds()
        self._known: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()

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
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is not None and now - known[0] < self._ttl:
            return known[1]
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

"""HTTP connections to an OpenAI-compatible endpoint.

The official client library validates every part of a response, at four times the CPU time of parsing it
(decision 0023).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi

_PASSING = frozenset({408, 409, 425, 429})


def is_retryable(status: int) -> bool:
    """Whether a call that failed with this HTTP status may be retried."""
    return status in _PASSING or status >= 500


class Endpoint:
    """Connections to one address with one API key, opened with the first call.

    The proxy comes from the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``), read once. Trusted certificates
    are those of the system and of Mozilla's list, because some machines have none.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._proxy = proxy_of(self._url)
        self._session: aiohttp.ClientSession | None = None

    def post(
        self, path: str, body: bytes, timeout: aiohttp.ClientTimeout, headers: Mapping[str, str] | None = None
    ) -> Any:
        """``POST`` JSON to ``path``: a context manager that returns the response before its body is read."""
        if self._session is None:
            self._session = self._open()
        url = self._url + path
        return self._session.post(url, data=body, headers=headers, timeout=timeout, proxy=self._proxy)

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # Callers bound how many calls run at once.
            connector=aiohttp.TCPConnector(
                limit=0, ssl=_trusted() if self._url.startswith("https:") else True
            ),
            headers={"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def proxy_of(url: str) -> str | None:
    """The proxy of an address, from the environment."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    known = getproxies()
    found = known.get(parts.scheme) or known.get("all")
    return found if found is not None and found.startswith("http") else None


def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context

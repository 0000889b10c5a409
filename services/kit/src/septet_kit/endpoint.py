"""Connections to an endpoint that speaks OpenAI's API.

The client library of that API makes a checked object of every part of an answer, at four times the processor time of
what it is made from (decision 0023).
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


def may_pass(status: int) -> bool:
    """Whether a call that was refused with this HTTP status may succeed when it is made again."""
    return status in _PASSING or status >= 500


class Endpoint:
    """The connections to one address under one key, opened with the first call.

    The proxy is the environment's (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``), read once; certificates are
    trusted that the system trusts, and those of Mozilla's list, because not every machine has any.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._proxy = proxy_of(self._url)
        self._session: aiohttp.ClientSession | None = None

    def post(
        self, path: str, body: bytes, timeout: aiohttp.ClientTimeout, headers: Mapping[str, str] | None = None
    ) -> Any:
        """``POST`` JSON to ``path``: a context manager that gives the response, its body still to be read."""
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
    """The proxy that the environment names for an address."""
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

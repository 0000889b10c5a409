"""API keys: their form, their hashes and their scopes.

A key is ``sk-septet-<id>-<secret>``. The id is public and names the key in the table; the secret has 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

PREFIX = "sk-septet-"
SCOPES = ("ask", "documents", "feedback", "operate", "admin")
_FORM = re.compile(re.escape(PREFIX) + r"(?P<id>[0-9a-f]{16})-(?P<secret>[0-9a-f]{64})")


@dataclass(frozen=True)
class ApiKey:
    """A stored key; ``digest`` is its keyed hash, and ``streams`` its limit of streams in progress, if it has its own."""

    key_id: str
    tenant: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    streams: int | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class Caller:
    """Sender of a call: the tenant, the scopes and the limit of streams of its key."""

    tenant: str
    key_id: str
    scopes: frozenset[str]
    streams: int | None = None

    def may(self, scope: str) -> bool:
        """Whether the key has the scope; ``admin`` includes all."""
        return scope in self.scopes or "admin" in self.scopes


def new_key() -> tuple[str, str]:
    """The id of a new key, and the key itself."""
    key_id = secrets.token_hex(8)
    return key_id, f"{PREFIX}{key_id}-{secrets.token_hex(32)}"


def id_of(key: str) -> str | None:
    """The id of a key; ``None`` if it does not have the form of one."""
    found = _FORM.fullmatch(key)
    return found["id"] if found else None


def digest_of(key: str, secret: bytes) -> bytes:
    """The keyed hash under which a key is stored (HMAC-SHA256)."""
    return hmac.new(secret, key.encode(), hashlib.sha256).digest()


def matches(stored: ApiKey | None, digest: bytes) -> bool:
    """Compare in constant time; an unknown key is compared with zeros."""
    return hmac.compare_digest(stored.digest if stored else bytes(len(digest)), digest) and stored is not None

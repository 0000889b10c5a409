"""Sessions of browsers: a cookie that names an API key until a time, with a keyed hash.

The cookie does not hold the key's secret. The key is looked up on each call, so a session ends when its key is revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

COOKIE = "septet-session"
HEADER = "x-septet-console"
"""A call with the cookie needs this header. A page of another origin cannot send it without a preflight."""
LIFETIME = timedelta(hours=12)
_FORM = re.compile(r"(?P<signed>(?P<id>[0-9a-f]{16})\.(?P<until>[0-9]{10}))\.(?P<tag>[0-9a-f]{64})")


def seal(key_id: str, until: datetime, secret: bytes) -> str:
    """The cookie's value."""
    signed = f"{key_id}.{int(until.timestamp())}"
    return f"{signed}.{_tag(signed, secret)}"


def unseal(value: str, secret: bytes, now: datetime) -> str | None:
    """The key's id; ``None`` if the value is forged, changed or has expired."""
    found = _FORM.fullmatch(value)
    if found is None or not hmac.compare_digest(found["tag"], _tag(found["signed"], secret)):
        return None
    return found["id"] if now < datetime.fromtimestamp(int(found["until"]), UTC) else None


def _tag(signed: str, secret: bytes) -> str:
    # A hash of its own purpose: it cannot be taken for the hash of an API key.
    return hmac.new(secret, f"console session {signed}".encode(), hashlib.sha256).hexdigest()

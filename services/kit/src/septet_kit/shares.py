"""Shares of conversations: selected by a hash, so that every process selects the same ones."""

from __future__ import annotations

import hashlib

_SCALE = 2**64


def is_selected(
    share: float, tenant: str, conversation_id: str | None, request_id: str, salt: str = ""
) -> bool:
    """Whether a request belongs to a share (0 to 1) of conversations. A request without one counts for itself.

    All requests of a conversation are selected or none, in every process. A larger share selects those of a smaller one,
    too. Shares with different salts are independent.
    """
    name = f"{salt}\x1f{tenant}\x1f{conversation_id or request_id}"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * _SCALE

"""Sealed texts: encrypted and authenticated, so that only a service with the key reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from septet_kit.errors import Permanent

MAKE_KEY = "make a key with `openssl rand -base64 32 | tr '+/' '-_'`"


class SealError(ValueError):
    """A sealed text cannot be read: another key made it, it was changed, or it belongs to something else."""


class Sealer:
    """Seals texts with the first of several keys and opens those of all (Fernet: AES-128-CBC and HMAC-SHA-256)."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def of(cls, keys: SecretStr, setting: str) -> Sealer | None:
        """The sealer of a setting with keys that commas or spaces separate; None if there is no key.

        Raises:
            Permanent: a key is not 32 bytes in base64 (code ``invalid_key``).
        """
        separate = re.findall(r"[^\s,]+", keys.get_secret_value())
        try:
            return cls(separate) if separate else None
        except ValueError:
            # The error's own text is dropped, because it may quote the key.
            message = f"{setting} has a key that is not 32 bytes in URL-safe base64"
            raise Permanent("invalid_key", message, field=setting, fix=MAKE_KEY) from None

    def seal(self, text: str, *owner: str) -> str:
        """Seal ``text`` for ``owner``: what it is and whose, such as the tenant and the request."""
        return self._fernet.encrypt(json.dumps([owner, text], ensure_ascii=False).encode()).decode()

    def open(self, sealed: str, *owner: str) -> str:
        """Return the text that was sealed for ``owner``.

        Raises:
            SealError: the text was not sealed with one of the keys, was changed, or has another owner.
        """
        try:
            found, text = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError):
            raise SealError("another key sealed the text, or it was changed") from None
        if tuple(found) != owner:
            raise SealError("the sealed text belongs to another request")
        return str(text)

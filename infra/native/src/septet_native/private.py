"""Files that only their owner may read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

USERNAME_FILE, PASSWORD_FILE = "septet_kafka_username", "septet_kafka_password"


def write_private(path: Path, text: str) -> None:
    """Replace *path*; it is never readable by others, not even while it is being written."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def password(path: Path) -> str:
    """The password that *path* holds, made when it is missing: 32 letters, digits, ``-`` and ``_``."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()


def kafka_users(directory: Path, principals: Iterable[str]) -> dict[str, str]:
    """Passwords of Kafka's users, made where they are missing.

    Each principal has a directory of its own below *directory*, which can be given to its process as
    ``SEPTET_SECRETS_DIR``: it holds the user's name and password and nobody else's.
    """
    found = {}
    for principal in principals:
        own = directory / principal
        found[principal] = password(own / PASSWORD_FILE)
        if not (own / USERNAME_FILE).exists():
            write_private(own / USERNAME_FILE, principal)
    return found

"""Passwords in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.fernet import Fernet

USERNAME_FILE, PASSWORD_FILE = "septet_kafka_username", "septet_kafka_password"
# Secret of the hashes of the gateway's API keys.
KEY_SECRET_FILE = "septet_gateway_key_secret"  # noqa: S105 - a file's name


def write_private(path: Path, text: str) -> None:
    """Replace *path* atomically; other users can read it at no time."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def password(path: Path) -> str:
    """The password in *path*, generated when the file is missing: 32 letters, digits, ``-`` and ``_``."""
    return _generated(path, lambda: secrets.token_urlsafe(24))


def sealing_keys(directory: Path) -> dict[str, dict[str, str]]:
    """Keys of the services that restore personal data, by service and variable, generated where they are missing."""
    values, answers = (_generated(directory / name, _key) for name in ("values", "answers"))
    return {
        "guardrails": {"SEPTET_GUARDRAILS_RESTORE_KEYS": values, "SEPTET_ANSWER_KEYS": answers},
        "eval": {"SEPTET_ANSWER_KEYS": answers},
    }


def _key() -> str:
    return Fernet.generate_key().decode()


def _generated(path: Path, generate: Callable[[], str]) -> str:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, generate())
    return path.read_text(encoding="utf-8").strip()


def kafka_users(directory: Path, principals: Iterable[str]) -> dict[str, str]:
    """Passwords of Kafka's users, generated where they are missing.

    Each principal has its own directory below *directory* with its name and password. Its process reads that
    directory as ``SEPTET_SECRETS_DIR``.
    """
    passwords = {}
    for principal in principals:
        own = directory / principal
        passwords[principal] = password(own / PASSWORD_FILE)
        if not (own / USERNAME_FILE).exists():
            write_private(own / USERNAME_FILE, principal)
    return passwords

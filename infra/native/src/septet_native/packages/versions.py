"""The pinned versions of the servers."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from septet_native.packages.configuration import CONFIG


@cache
def pinned(server: str) -> dict[str, Any]:
    """The entry of *server* in ``config/versions.toml``."""
    entry: dict[str, Any] = tomllib.loads((CONFIG / "versions.toml").read_text())[server]
    return entry


def parsed(version: str) -> tuple[int, ...]:
    """Convert ``"1.25.4"`` to ``(1, 25, 4)`` for comparisons; parts that are not numbers are dropped."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())

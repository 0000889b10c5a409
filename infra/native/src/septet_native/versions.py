"""The pinned versions of the servers."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def pinned(server: str) -> dict[str, Any]:
    """The entry of *server* in ``config/versions.toml``."""
    text = (resources.files("septet_native") / "config" / "versions.toml").read_text()
    entry: dict[str, Any] = tomllib.loads(text)[server]
    return entry


def parsed(version: str) -> tuple[int, ...]:
    """``"1.25.4"`` as ``(1, 25, 4)``, for comparisons; what follows the digits is left out."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())

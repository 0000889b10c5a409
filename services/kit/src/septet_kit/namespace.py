"""Namespaces: a second instance group beside the live one, with names of its own.

Every name that a process of a namespace reads or writes begins with the namespace and a dot: topics, consumer groups,
members, schemas and locks. Namespaces cannot contain a dot, so no name belongs to two of them, and none of them is a
live name. What such a process may read of the live side is opened explicitly and read-only
(:meth:`septet_kit.service.Kit.open_live_pool`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REPLAY_PREFIX = "replay-"
"""Beginning of the namespaces that `septet replay` creates, and of the names that their ACLs cover."""

MAX_LENGTH = 32
_NAME = re.compile(rf"[a-z][a-z0-9\-]{{0,{MAX_LENGTH - 1}}}")
# Names of the live side begin with these.
_RESERVED = ("septet", "tenant-")


@dataclass(frozen=True)
class Namespace:
    """Maps the names of one namespace; an empty ``name`` is the live side, whose names stay as they are.

    Raises:
        ValueError: the name is not lower-case letters, digits and hyphens, or it is reserved.
    """

    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            return
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(
                f"a namespace has at most {MAX_LENGTH} lower-case letters, digits and hyphens: {self.name!r}"
            )
        if self.name.startswith(_RESERVED):
            raise ValueError(f"a namespace must not begin with {' or '.join(_RESERVED)}: {self.name!r}")

    @property
    def is_live(self) -> bool:
        """Whether this is the live side."""
        return not self.name

    @property
    def prefix(self) -> str:
        """Beginning of every name; empty on the live side."""
        return f"{self.name}." if self.name else ""

    def qualify(self, name: str) -> str:
        """The name in this namespace."""
        return f"{self.prefix}{name}"

    def relative(self, name: str) -> str:
        """The name without the namespace.

        Raises:
            KeyError: the name does not belong to the namespace.
        """
        if not name.startswith(self.prefix):
            raise KeyError(f"{name!r} is not in the namespace {self.name!r}")
        return name.removeprefix(self.prefix)


LIVE = Namespace()

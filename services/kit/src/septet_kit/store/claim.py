"""Who holds a claim: an instance in one of its lives."""

from __future__ import annotations

import uuid

_BOOT = uuid.uuid4().hex[:12]


def holder(instance: str) -> str:
    """``instance/boot``. The instance name is a static group member, so at most one life of it is current:
    a claim of the same instance with another boot id belongs to a life that has ended."""
    return f"{instance}/{_BOOT}"


def earlier_lives(instance: str) -> str:
    """SQL LIKE pattern of all lives of ``instance`` (the current one included)."""
    escaped = instance.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}/%"

"""Who holds a claim: an instance in one of its lives."""

from __future__ import annotations

import uuid
from datetime import timedelta

# Who claims a row hands it to the producer within the claim less the margin, so that a process that was
# paused in between leaves the row to a sweeper instead of sending it a second time.
CLAIM = timedelta(seconds=10)
CLAIM_MARGIN = timedelta(seconds=3)

_BOOT = uuid.uuid4().hex[:12]


def holder(instance: str) -> str:
    """``instance/boot``. The instance name is a static group member, so at most one life of it is current:
    a claim of the same instance with another boot id belongs to a life that has ended."""
    return f"{instance}/{_BOOT}"


def earlier_lives(instance: str) -> str:
    """SQL LIKE pattern of all lives of ``instance`` (the current one included)."""
    escaped = instance.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}/%"

"""The services of this project."""

from __future__ import annotations

import sys

# In the order of a request.
SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")


def module_of(service: str) -> tuple[str, ...]:
    """The command that runs *service*."""
    return (sys.executable, "-m", f"septet_{service}")

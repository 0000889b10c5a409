"""The services of this project."""

from __future__ import annotations

import sys

from septet_contracts import HTTP_SERVICES

# In the order of a request.
SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")

ALL_SERVICES = (*SERVICES, *HTTP_SERVICES)
"""The services of a request, and those that serve clients over HTTP."""


def module_of(service: str) -> tuple[str, ...]:
    """The command that runs *service*."""
    return (sys.executable, "-m", f"septet_{service}")

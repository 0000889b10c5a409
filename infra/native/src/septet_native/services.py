"""The services of this project."""

from __future__ import annotations

import os
import sys

from septet_contracts import HTTP_SERVICES

# In the order of a request.
SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")

OPTIONAL_SERVICES = {"judge": "SEPTET_JUDGE_URL"}
"""Services that run only where the variable is set."""

ALL_SERVICES = (*SERVICES, *OPTIONAL_SERVICES, *HTTP_SERVICES)
"""The services of a request, the optional ones, and those that serve clients over HTTP."""


def default_services() -> tuple[str, ...]:
    """All services that this environment has the settings for."""
    left_out = {name for name, variable in OPTIONAL_SERVICES.items() if not os.environ.get(variable)}
    return tuple(name for name in ALL_SERVICES if name not in left_out)


def module_of(service: str) -> tuple[str, ...]:
    """The command that runs *service*."""
    return (sys.executable, "-m", f"septet_{service}")

"""Septet's services run under the stack's supervision."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from septet_native.health import http_probe
from septet_native.process import Command
from septet_native.supervisor import Spec

SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")
# A service finishes what it has begun, within the deadline of a step.
GRACE = timedelta(seconds=12)
# Credentials of this process's own environment are nobody else's: each service gets those of its principal.
PRIVATE = {
    "SEPTET_KAFKA_USERNAME", "SEPTET_KAFKA_PASSWORD", "SEPTET_KAFKA_CA_FILE", "SEPTET_KAFKA_PROTOCOL",
    "SEPTET_POSTGRES_DSN", "SEPTET_POSTGRES_OWNER_DSN",
}  # fmt: skip


def module_of(service: str) -> tuple[str, ...]:
    """The command that runs a service of this project."""
    return (sys.executable, "-m", f"septet_{service}")


def service_spec(
    name: str, argv: tuple[str, ...], env: Mapping[str, str], health_port: int, logs: Path
) -> Spec:
    """How to run the service *name*.

    Args:
        name: of the service.
        argv: program and arguments.
        env: variables on top of this process's own, whose credentials are left out.
        health_port: where the service is to answer ``GET /readyz``.
        logs: directory of the log file.
    """
    own = {
        "SEPTET_HEALTH_PORT": str(health_port),
        "SEPTET_INSTANCE": f"{name}-0",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONUNBUFFERED": "1",
    }
    inherited = {key: value for key, value in os.environ.items() if key not in PRIVATE}
    command = Command(
        name=name,
        argv=argv,
        log=logs / f"{name}.log",
        env={**inherited, **own, **env},
        grace=GRACE,
    )
    return Spec("service", command, http_probe(health_port, "/readyz"), health_port)

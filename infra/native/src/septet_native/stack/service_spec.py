"""How the stack runs a service under its supervision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from septet_native.processes.health import http_probe
from septet_native.processes.process import Command
from septet_native.processes.supervisor import Spec

# A service drains the records that it has begun, within the deadline of a step.
GRACE = timedelta(seconds=12)
# Credentials in this process's environment are not inherited: each service gets those of its own principal.
PRIVATE = {
    "SEPTET_KAFKA_USERNAME",
    "SEPTET_KAFKA_PASSWORD",
    "SEPTET_KAFKA_CA_FILE",
    "SEPTET_KAFKA_PROTOCOL",
    "SEPTET_POSTGRES_DSN",
    "SEPTET_POSTGRES_OWNER_DSN",
    "SEPTET_GATEWAY_KEY_SECRET",
    "SEPTET_GUARDRAILS_RESTORE_KEYS",
    "SEPTET_ANSWER_KEYS",
}


def service_spec(
    name: str, argv: tuple[str, ...], env: Mapping[str, str], health_port: int, logs: Path
) -> Spec:
    """How to run the service *name*.

    Args:
        name: of the service.
        argv: program and arguments.
        env: variables on top of this process's own, whose credentials are removed.
        health_port: the port on which the service answers ``GET /readyz``.
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

"""A stack whose broker has users and ACLs."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass

from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants
from septet_native.stack.addresses import Addresses
from septet_native.stack.stack import Stack

from .broker_probes import PATIENCE_S


@dataclass(frozen=True)
class Secured:
    """A stack whose broker has users and ACLs."""

    stack: Stack
    addresses: Addresses
    tenants: Tenants
    environment: dict[str, str]

    def connection(self, principal: str) -> KafkaConnection:
        """How *principal* connects."""
        return self.addresses.connection(principal)

    async def run_service(self, service: str, changed: dict[str, str]) -> tuple[int | None, str]:
        """Run a service until it ends by itself; returns its exit code and its log."""
        principal = changed.get("as", service)
        variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SEPTET_")},
            **self.addresses.environment(service),
            **self.addresses.kafka_environment(principal),
            **self.environment,
            **{k: v for k, v in changed.items() if k != "as"},
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"septet_{service}",
            env={k: v for k, v in variables.items() if v},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode, output.decode()

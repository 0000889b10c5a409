"""The gateway process that the benchmarks measure, and what each result says about its run."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from septet_cli.keys import KeyStore, open_keys
from septet_native.services import module_of
from septet_native.stack.stack import Stack

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def gateway(stack: Stack) -> AsyncIterator[KeyStore]:
    """Start the gateway on a running stack, which stops it; yields the table of its keys."""
    await stack.spawn_service("gateway", module_of("gateway"), {})
    async with open_keys(stack.addresses) as store:
        yield store


def circumstances() -> dict[str, Any]:
    """Day, commit and machine of a run that begins."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else ""),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30),
            "python": platform.python_version(),
            "load_average_before": round(os.getloadavg()[0], 2),
        },
    }

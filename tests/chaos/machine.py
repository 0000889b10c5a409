"""Where and with what a run was made, as the committed results say it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from septet_native.packages.jars import read_lock
from septet_native.packages.wheels import package_file
from septet_native.servers.postgres_programs import INSTALLATION, PACKAGE

from ..conftest import STACK

ROOT = Path(__file__).parents[2]
# What a run itself writes does not make it a run of other code.
_WRITTEN = (":!tests/chaos/results", ":!docs/reliability.md")


@cache
def machine() -> dict[str, Any]:
    """Cores, memory in GiB, and the versions of what ran on them."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "processor": _processor(),
        "stack": STACK,
        "python": platform.python_version(),
        "kafka": next(jar.version for jar in read_lock("kafka") if jar.artifact == "kafka-clients"),
        "postgresql": _postgresql(),
    }


def circumstances(command: str) -> dict[str, Any]:
    """Of one row: ``command`` repeats it; ``load`` is the machine's load average before it began."""
    return {
        "command": command,
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "load": round(os.getloadavg()[0], 1),
        "machine": machine(),
    }


def commit() -> str:
    """Short name of the commit under test, with a ``+`` where the working tree differs from it.

    ``unknown`` outside a repository.
    """
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return f"{name}+" if _git("status", "--porcelain", "--", ".", *_WRITTEN) else name
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _postgresql() -> str:
    program = package_file(PACKAGE, INSTALLATION, "bin", "postgres")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]

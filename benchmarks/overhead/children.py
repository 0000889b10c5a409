"""Starts and stops the processes of a contender."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The stub model prints its address once it serves.
READY = (b"ready", b"SEPTET_LLM_URL=")
READY_WITHIN_S, END_WITHIN_S, LOG_TAIL = 60, 10, 2000


@asynccontextmanager
async def children(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], logs: Path, python: str = sys.executable
) -> AsyncIterator[Mapping[str, int]]:
    """Run *python* with the arguments of each role; yields the pids by role once each process printed ``ready``.

    Raises:
        RuntimeError: a process ended or was not ready within ``READY_WITHIN_S`` seconds; quotes the end of its log.
    """
    started: dict[str, asyncio.subprocess.Process] = {}
    try:
        for role, arguments in commands.items():
            with (logs / f"{role}.log").open("ab") as log:
                started[role] = await asyncio.create_subprocess_exec(
                    python,
                    *arguments,
                    cwd=ROOT,
                    env={**os.environ, **env},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
        for role, process in started.items():
            await _ready(process, role, logs)
        yield {role: process.pid for role, process in started.items()}
    finally:
        await asyncio.gather(*(_end(process) for process in started.values()))


async def _ready(process: asyncio.subprocess.Process, role: str, logs: Path) -> None:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
    except TimeoutError:
        line = b""
    if not line.startswith(READY):
        log_tail = (logs / f"{role}.log").read_text("utf-8", "replace")[-LOG_TAIL:]
        raise RuntimeError(f"{role} did not start: {log_tail}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()

"""Processes of a contender: started together, ready together, ended together."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The product's stub model says its address when it serves.
READY = (b"ready", b"SEPTET_LLM_URL=")
READY_WITHIN_S, END_WITHIN_S, LOG_TAIL = 60, 10, 2000


@asynccontextmanager
async def children(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], logs: Path, python: str = sys.executable
) -> AsyncIterator[Mapping[str, int]]:
    """Run *python* with the arguments of each role; yields pids by role once each has printed ``ready``.

    Raises:
        RuntimeError: one ended, or said nothing for ``READY_WITHIN_S`` seconds; the end of its log is quoted.
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
        said = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
    except TimeoutError:
        said = b""
    if not said.startswith(READY):
        said_last = (logs / f"{role}.log").read_text("utf-8", "replace")[-LOG_TAIL:]
        raise RuntimeError(f"{role} did not start: {said_last}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()

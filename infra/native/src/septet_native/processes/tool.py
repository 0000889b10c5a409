"""Tools: programs that run once and end, such as the one that formats a server's storage."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

from septet_native.errors import DiskFull, ServerFailed, StackError
from septet_native.processes.privileges import Identity
from septet_native.processes.process import clean_environment, launched


async def run_tool(
    argv: tuple[str, ...],
    what: str,
    fix: str,
    user: Identity | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a tool to its end; it is killed when this process ends or the caller is cancelled.

    Args:
        argv: absolute program and its arguments.
        what: start of the error message, without a full stop.
        fix: of the error.
        user: the user to run as, when it is not the current one.
        env: its whole environment; a minimal one by default.

    Returns:
        Its output.

    Raises:
        DiskFull: the output reports a full disk.
        ServerFailed: the tool failed for another reason.
    """
    tool = await asyncio.create_subprocess_exec(
        *launched(argv, user, signal.SIGKILL),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean_environment() if env is None else dict(env),
        cwd=Path("/"),
        start_new_session=True,
    )
    try:
        raw, _ = await tool.communicate()
    except asyncio.CancelledError:
        tool.kill()
        await tool.wait()
        raise
    output = raw.decode(errors="replace")
    if tool.returncode != 0:
        raise server_error(f"{what}:\n{output}", output, fix)
    return output


def server_error(message: str, output: str, fix: str) -> StackError:
    """The error for a program that failed with *output*: ``DiskFull`` when the output reports it."""
    if "no space left" in output.lower():
        return DiskFull(message, "free at least 1 GB on the disk of the data directory, then start again")
    return ServerFailed(message, fix)

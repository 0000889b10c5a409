"""Programs that run once and end, such as those that format a server's storage."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

from septet_native.errors import DiskFull, ServerFailed, StackError
from septet_native.privileges import Identity
from septet_native.process import launched
from septet_native.server import clean_environment


async def run_tool(
    argv: tuple[str, ...],
    what: str,
    fix: str,
    user: Identity | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end; it ends with this process, and when the caller is cancelled.

    Args:
        argv: absolute program and its arguments.
        what: what failed, for the error's message, without a full stop.
        fix: for the error.
        user: the user to run as, when it is not the current one.
        env: its whole environment; a small one by default.

    Returns:
        What it wrote.

    Raises:
        DiskFull: it met a full disk.
        ServerFailed: it failed otherwise.
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
        written, _ = await tool.communicate()
    except asyncio.CancelledError:
        tool.kill()
        await tool.wait()
        raise
    output = written.decode(errors="replace")
    if tool.returncode != 0:
        raise server_error(f"{what}:\n{output}", output, fix)
    return output


def server_error(message: str, output: str, fix: str) -> StackError:
    """The error for a program that failed with *output*: a full disk has a type of its own."""
    if "no space left" in output.lower():
        return DiskFull(message, "free at least 1 GB on the disk of the data directory, then start again")
    return ServerFailed(message, fix)

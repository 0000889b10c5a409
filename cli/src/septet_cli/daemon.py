"""Starts a stack in the background and stops it by its recorded process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from septet_cli.errors import CliError

if TYPE_CHECKING:
    import psutil
    from septet_native.stack.settings import StackSettings
    from septet_native.stack.state import State

Progress = Callable[[str, str], None]
POLL_S = 0.2
# Services finish their steps, then servers stop. A process that needs longer hangs.
STOP_S = 90.0


def log_of(data_dir: Path) -> Path:
    """Log file of a background stack."""
    return data_dir / "logs" / "stack.log"


async def start(settings: StackSettings, progress: Progress) -> tuple[State, bool]:
    """Start the stack in the background and wait until it is ready.

    Do nothing if it runs already; wait if another process is starting it.

    Returns:
        The state of the running stack, and whether this call started it.

    Raises:
        CliError: the stack did not start; the message ends with the tail of its log.
    """
    from septet_native.stack.start_progress import read_starting
    from septet_native.stack.state import read_state

    data_dir = settings.places().data
    starting = read_starting(data_dir)
    if starting is None and (state := read_state(data_dir)) is not None:
        return state, False
    child = None if starting else _spawn(settings, data_dir)
    pid = starting.pid if starting else child.pid if child else 0
    shown = 0
    while True:
        ended = child.poll() is not None if child else not _is_running(pid)
        now = read_starting(data_dir)
        for name, step in now.steps[shown:] if now else ():
            shown += 1
            progress(name, step)
        state = read_state(data_dir)
        if now is None and state is not None and state.pid == pid:
            return state, child is not None
        if ended:
            raise _failed(data_dir)
        await asyncio.sleep(POLL_S)


def _spawn(settings: StackSettings, data_dir: Path) -> subprocess.Popen[bytes]:
    log = log_of(data_dir)
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = (sys.executable, "-m", "septet_cli", "up", "--stack", settings.stack, "--no-key")
    environment = {**os.environ, "SEPTET_DATA_DIR": str(settings.data_dir.expanduser().resolve())}
    with log.open("wb") as file:
        # In its own session, the stack survives the end of this shell and ignores its Ctrl-C.
        return subprocess.Popen(  # noqa: S603
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _is_running(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)


def _failed(data_dir: Path) -> CliError:
    from septet_native.processes.process import tail

    log = log_of(data_dir)
    return CliError(
        f"The stack did not start. Last lines of {log}:\n{tail(log)}",
        "fix the error in these lines, then start it again",
    )


async def stop(data_dir: Path) -> list[str]:
    """Stop the stack of *data_dir*, running or starting, and the processes that a crash left behind.

    Args:
        data_dir: data directory of this stack.

    Returns:
        Names of the stopped processes; empty when none ran.

    Raises:
        CliError: the stack does not stop in time.
    """
    from septet_native.processes import pid_records

    holder = _holder(data_dir)
    stopped = []
    if holder is not None:
        import psutil

        try:
            holder.terminate()
            await asyncio.to_thread(holder.wait, STOP_S)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired as error:
            raise CliError(
                f"The stack (pid {holder.pid}) did not stop within {STOP_S:.0f} s.",
                f"read {log_of(data_dir)}, then `kill -9 {holder.pid}`; the next start stops the remaining processes",
            ) from error
        stopped.append("stack")
    return [*stopped, *await asyncio.to_thread(pid_records.reap, data_dir / "run")]


def _holder(data_dir: Path) -> psutil.Process | None:
    """The process that runs the stack. Its creation time excludes a later process with the same pid."""
    from septet_native.processes import pid_records
    from septet_native.stack.start_progress import read_starting
    from septet_native.stack.state import read_state

    found = read_starting(data_dir) or read_state(data_dir)
    return pid_records.is_alive(found.pid, found.created) if found else None

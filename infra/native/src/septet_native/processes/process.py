"""Child processes: each runs in its own session and logs to a file."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from septet_native.errors import writing
from septet_native.processes import launcher, pid_records
from septet_native.processes.privileges import Identity


@dataclass(frozen=True)
class Command:
    """A program, its environment, and how to stop it.

    Attributes:
        name: short unique name, also of the pid record.
        argv: absolute program and its arguments.
        log: file for stdout and stderr.
        env: the whole environment of the child.
        stop_signal: the signal that stops the program; the kernel sends it, too, when this process dies.
        grace: time between the stop signal and ``SIGKILL``.
        user: the user to run as; None keeps the current one.
        cwd: working directory; None keeps the current one.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: timedelta = timedelta(seconds=10)
    user: Identity | None = None
    cwd: Path | None = None


class Process:
    """A running child."""

    def __init__(self, command: Command, child: asyncio.subprocess.Process, run_dir: Path) -> None:
        self.command = command
        self._child = child
        self._run_dir = run_dir

    @classmethod
    async def spawn(cls, command: Command, run_dir: Path) -> Process:
        """Start *command* and record its pid below *run_dir*.

        Raises:
            DiskFull, NotWritable: the log or the record cannot be written.
        """
        argv = launched(command.argv, command.user, command.stop_signal)
        with writing(command.log.parent):
            log = _open_log(command.log)
            try:
                child = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env=dict(command.env),
                    cwd=command.cwd,
                    start_new_session=True,
                )
            finally:
                os.close(log)
            pid_records.write(run_dir, command.name, child.pid)
        return cls(command, child, run_dir)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._child.returncode

    async def wait(self) -> int:
        """Wait until the child ends; returns the exit status."""
        return await self._child.wait()

    async def stop(self) -> int:
        """Stop the child with its stop signal; after the grace period, kill its whole session."""
        if self._child.returncode is None:
            self._child.send_signal(self.command.stop_signal)
            try:
                await asyncio.wait_for(self._child.wait(), self.command.grace.total_seconds())
            except TimeoutError:
                _kill_session(self.pid)
        status = await self._child.wait()
        pid_records.remove(self._run_dir, self.command.name)
        return status

    def rss_mb(self) -> float:
        """Resident memory of the child and its descendants, in MB (shared pages counted once)."""
        return memory_mb(self.pid)


def launched(argv: tuple[str, ...], user: Identity | None, death_signal: signal.Signals) -> tuple[str, ...]:
    """*argv* wrapped by the launcher, which runs it as *user* and sets *death_signal*."""
    who = user or Identity(-1, -1)
    fixed = (os.getpid(), int(death_signal), who.uid, who.gid)
    return (sys.executable, "-I", "-S", launcher.__file__, *map(str, fixed), *argv)


def memory_mb(pid: int) -> float:
    """Resident memory of the process *pid* and its descendants, in MB (shared pages counted once)."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        return round(sum(_own_memory(process) for process in family) / 1e6, 1)
    except psutil.Error:
        return 0.0


def clean_environment() -> dict[str, str]:
    """A minimal environment for programs of other projects."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC"}


def _own_memory(process: psutil.Process) -> int:
    # PSS divides shared pages among processes: RSS would count PostgreSQL's buffers once per backend.
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", 0) or full.rss)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _open_log(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > 0:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _kill_session(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file, for error messages."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])

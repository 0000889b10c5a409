"""The state file, by which other commands find the stack that runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from septet_native import records
from septet_native.addresses import Addresses
from septet_native.errors import writing
from septet_native.server import stack_dir


@dataclass(frozen=True)
class ProcessState:
    """One process of the stack.

    Attributes:
        name: of the server or service.
        kind: ``server`` or ``service``.
        pid: None while it does not run.
        state: ``starting``, ``ready``, ``restarting``, ``stopped`` or ``failed``.
        port: main TCP port (a service's is for its health), or None.
        log: path of the log file.
        rss_mb: resident memory in MB (not in the state file).
        restarts: unexpected ends so far.
    """

    name: str
    kind: str
    pid: int | None
    state: str
    port: int | None
    log: str
    rss_mb: float = 0.0
    restarts: int = 0


@dataclass(frozen=True)
class Missing:
    """A server that was left out because the machine lacks what it needs.

    Attributes:
        name: of the server.
        message: what is missing.
        fix: what to install.
        instead: what takes its place.
    """

    name: str
    message: str
    fix: str
    instead: str


@dataclass(frozen=True)
class State:
    """What the state file says.

    Attributes:
        pid: process that holds the stack.
        created: when that process was created, seconds since the epoch (tells it from a later one).
        started_at: when the stack was ready, ISO 8601.
        addresses: of the servers.
        processes: of the stack.
        missing: servers that were left out.
    """

    pid: int
    created: float
    started_at: str
    addresses: Addresses
    processes: tuple[ProcessState, ...]
    missing: tuple[Missing, ...] = ()


def state_file(data_dir: Path) -> Path:
    """Path of the state file of *data_dir*."""
    return data_dir / "state.json"


def write_state(data_dir: Path, state: State) -> None:
    """Replace the state file, readable by its owner only: it holds the database's password.

    Raises:
        DiskFull, NotWritable: the directory does not take it.
    """
    target = state_file(data_dir)
    partial = target.with_suffix(".partial")
    with writing(data_dir):
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(state), file, indent=2)
        partial.replace(target)


def remove_state(data_dir: Path) -> None:
    """Forget the state of a stack that has stopped."""
    state_file(data_dir).unlink(missing_ok=True)


def read_state(data_dir: Path) -> State | None:
    """The stack that runs on *data_dir*, or None when none does.

    Raises:
        PermissionError: the stack belongs to another user.
    """
    try:
        raw = json.loads(state_file(data_dir.expanduser()).read_text())
        state = State(
            pid=raw["pid"],
            created=raw["created"],
            started_at=raw["started_at"],
            addresses=Addresses(**raw["addresses"]),
            processes=tuple(ProcessState(**process) for process in raw["processes"]),
            missing=tuple(Missing(**missing) for missing in raw.get("missing", ())),
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        # A file of another version, or one that was edited, describes no stack that can be used.
        return None
    return state if records.is_alive(state.pid, state.created) else None


def find_state(data_dir: Path) -> State | None:
    """The stack that runs below *data_dir*, the embedded one before the native one, or None.

    Raises:
        PermissionError: the stack belongs to another user.
    """
    return read_state(stack_dir(data_dir, "embedded")) or read_state(stack_dir(data_dir, "native"))

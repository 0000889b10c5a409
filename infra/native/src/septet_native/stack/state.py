"""The state file, by which other commands find the running stack."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from septet_native.errors import writing
from septet_native.processes import pid_records
from septet_native.processes.process_state import ProcessState
from septet_native.stack.addresses import Addresses
from septet_native.stack.data_dir import stack_dir


@dataclass(frozen=True)
class Missing:
    """A server of the composition that cannot run on this machine.

    Attributes:
        name: of the server.
        message: what is not installed.
        fix: what to install.
        instead: what replaces the server.
    """

    name: str
    message: str
    fix: str
    instead: str


@dataclass(frozen=True)
class State:
    """Content of the state file.

    Attributes:
        pid: process that holds the stack.
        created: creation time of that process, seconds since the epoch.
        started_at: time at which the stack was ready, ISO 8601.
        addresses: of the servers.
        processes: of the stack.
        missing: servers that cannot run on this machine.
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
    """Replace the state file. Only its owner can read it, because it holds passwords.

    Raises:
        DiskFull, NotWritable: the directory cannot be written.
    """
    target = state_file(data_dir)
    partial = target.with_suffix(".partial")
    with writing(data_dir):
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(state), file, indent=2)
        partial.replace(target)


def remove_state(data_dir: Path) -> None:
    """Delete the state file of a stack that has stopped."""
    state_file(data_dir).unlink(missing_ok=True)


def read_state(data_dir: Path) -> State | None:
    """The stack that runs on *data_dir*, or None.

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
        # Another version may have written the file, or a user may have edited it.
        return None
    return state if pid_records.is_alive(state.pid, state.created) else None


def find_state(data_dir: Path) -> State | None:
    """The stack that runs below *data_dir*, the embedded one before the native one, or None.

    Raises:
        PermissionError: the stack belongs to another user.
    """
    return read_state(stack_dir(data_dir, "embedded")) or read_state(stack_dir(data_dir, "native"))

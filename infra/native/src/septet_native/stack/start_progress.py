"""The progress file of a stack that is starting, which other commands read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from septet_native.errors import writing
from septet_native.processes import pid_records


@dataclass(frozen=True)
class Starting:
    """A stack that is starting.

    Attributes:
        pid: process that starts it.
        created: creation time of that process, seconds since the epoch.
        steps: pairs of a server's or service's name and its state, in order.
    """

    pid: int
    created: float
    steps: tuple[tuple[str, str], ...] = ()


def starting_file(data_dir: Path) -> Path:
    """Path of the file that exists while a stack starts on *data_dir*."""
    return data_dir / "starting.json"


def read_starting(data_dir: Path) -> Starting | None:
    """The stack that is starting on *data_dir*, or None."""
    try:
        raw = json.loads(starting_file(data_dir.expanduser()).read_text())
        steps = tuple((str(name), str(state)) for name, state in raw["steps"])
        found = Starting(int(raw["pid"]), float(raw["created"]), steps)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        # A crash can truncate the file.
        return None
    return found if pid_records.is_alive(found.pid, found.created) else None


def remove_progress(data_dir: Path) -> None:
    """Delete the progress file of a stack that has started, or has stopped after a failed start."""
    starting_file(data_dir).unlink(missing_ok=True)


class ProgressFile:
    """Context manager of a start: writes every step to the progress file."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._starting = Starting(os.getpid(), psutil.Process().create_time())

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After a failure the stack still has to stop; until then it must not look ready.
        if error is None:
            remove_progress(self._data_dir)

    def step(self, name: str, state: str) -> None:
        """Add a step: the new state of a server or service."""
        steps = (*self._starting.steps, (name, state))
        self._starting = Starting(self._starting.pid, self._starting.created, steps)
        self._write()

    def _write(self) -> None:
        target = starting_file(self._data_dir)
        partial = target.with_suffix(".partial")
        with writing(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(asdict(self._starting)))
            partial.replace(target)

"""The interface of a server, and the directories of a stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from septet_native.processes.process import Command

# Receives the progress of a long step.
Report = Callable[[str], None]


@dataclass(frozen=True)
class Places:
    """Directories of one stack.

    Attributes:
        data: the data directory, absolute.
        cache: downloads and built models, shared between stacks.
    """

    data: Path
    cache: Path

    @property
    def logs(self) -> Path:
        """Directory with one log file per process."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Directory with the pid records of running processes."""
        return self.data / "run"


class Server(Protocol):
    """A server of the stack. ``prepare`` and ``finish`` are idempotent."""

    @property
    def name(self) -> str:
        """Short unique name."""
        ...

    async def prepare(self, report: Report) -> None:
        """Fetch, build or initialise the files of the first start; *report* reports the progress of a long step."""
        ...

    def command(self) -> Command:
        """The command that runs the server."""
        ...

    async def probe(self) -> bool:
        """Whether the server accepts requests."""
        ...

    async def finish(self) -> None:
        """Initialise the running server, for example create its database."""
        ...

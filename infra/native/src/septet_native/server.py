"""What every embedded server looks like to the stack."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from septet_native.process import Command

Say = Callable[[str], None]


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
        """One log file per process."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Records of running processes."""
        return self.data / "run"


def stack_dir(data_dir: Path, stack: str) -> Path:
    """Directory of the stack named *stack* below *data_dir*, absolute."""
    root = data_dir.expanduser().resolve()
    return root if stack == "embedded" else root / stack


class Server(Protocol):
    """A server of the stack. ``prepare`` and ``finish`` are safe to repeat."""

    @property
    def name(self) -> str:
        """Short unique name."""
        ...

    async def prepare(self, say: Say) -> None:
        """Fetch, build or initialise what the first start needs; *say* reports a long step."""
        ...

    def command(self) -> Command:
        """How to run it."""
        ...

    async def probe(self) -> bool:
        """Whether it serves."""
        ...

    async def finish(self) -> None:
        """What can only be done on the running server, such as creating a database."""
        ...


def clean_environment() -> dict[str, str]:
    """A small environment for programs that are not ours."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC"}

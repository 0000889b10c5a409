"""The folder of a replay in the data directory of a local stack: its processes, their logs, and who runs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from septet_kit.namespace import REPLAY_PREFIX
from septet_native.processes import pid_records

_OWNER = "owner"


@dataclass(frozen=True)
class Workspace:
    """The folder of one replay."""

    path: Path

    @classmethod
    def of(cls, data_dir: Path, replay: str) -> Workspace:
        """The workspace of a replay."""
        return cls(data_dir / "replays" / replay)

    @classmethod
    def all(cls, data_dir: Path) -> Iterator[Workspace]:
        """The workspaces of a data directory."""
        for path in sorted((data_dir / "replays").glob(f"{REPLAY_PREFIX}*")):
            yield cls(path)

    @property
    def replay(self) -> str:
        """The replay's id."""
        return self.path.name

    @property
    def processes(self) -> Path:
        """Directory of the processes' pid records."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """Directory of the processes' logs."""
        return self.path / "logs"

    def claim(self) -> None:
        """Record that this process runs the replay."""
        pid_records.write(self.path, _OWNER, os.getpid())

    @property
    def is_running(self) -> bool:
        """Whether the process that claimed the replay runs."""
        return any(item.name == _OWNER for item in pid_records.leftovers(self.path))

    def reap(self) -> list[str]:
        """End the services that a killed replay left; returns their names."""
        return pid_records.reap(self.processes)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

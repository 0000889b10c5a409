"""One stack per data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from septet_native.errors import AlreadyRunning, writing


class DataDirLock:
    """An exclusive ``flock`` on the data directory; the kernel drops it when the process ends."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "stack.lock"
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: another process holds it.
            NotWritable, DiskFull: the directory does not take the lock file.
        """
        with writing(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise AlreadyRunning(
                f"A stack already runs on {self._data_dir} (pid {holder}; "
                f"its addresses are in {self._data_dir / 'state.json'}).",
                f"use it as it is, stop it with Ctrl-C in its terminal or `kill {holder}`, "
                "or set SEPTET_DATA_DIR to another directory",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

"""The data directory of a stack: where it is, its lock, and its removal."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from septet_native.errors import AlreadyRunning, writing

# Servers that do not run as root.
UNPRIVILEGED = ("postgres", "opensearch")


def stack_dir(data_dir: Path, stack: str) -> Path:
    """Directory of the stack named *stack* below *data_dir*, absolute."""
    root = data_dir.expanduser().resolve()
    return root if stack == "embedded" else root / stack


class DataDirLock:
    """An exclusive ``flock`` on the data directory; the kernel releases it when the process ends."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "stack.lock"
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Acquire the lock.

        Raises:
            AlreadyRunning: another process holds it.
            NotWritable, DiskFull: the lock file cannot be written.
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
        """Release the lock; does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


def remove_data_dir(data_dir: Path) -> None:
    """Delete *data_dir*, the native stack's part of it, and the stand-ins that its links lead to.

    Raises:
        AlreadyRunning: a stack runs on it.
        NotWritable: a file cannot be deleted.
    """
    if not data_dir.exists():
        return
    remove_data_dir(data_dir / "native")
    lock = DataDirLock(data_dir)
    lock.acquire()
    try:
        with writing(data_dir):
            for name in UNPRIVILEGED:
                # The link leads to the stand-in for a directory that the server's user cannot reach.
                link = data_dir / name
                if link.is_symlink() and link.resolve().exists():
                    shutil.rmtree(link.resolve().parent)
            shutil.rmtree(data_dir)
    finally:
        lock.release()

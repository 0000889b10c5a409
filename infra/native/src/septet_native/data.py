"""Removing what a stack keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

from septet_native.errors import writing
from septet_native.lock import DataDirLock

# Servers that do not run as root.
UNPRIVILEGED = ("postgres", "opensearch")


def remove(data_dir: Path) -> None:
    """Delete everything below *data_dir*, the native stack's part too, and what had to go elsewhere.

    Raises:
        AlreadyRunning: a stack runs on it.
        NotWritable: a file cannot be deleted.
    """
    if not data_dir.exists():
        return
    remove(data_dir / "native")
    lock = DataDirLock(data_dir)
    lock.acquire()
    try:
        with writing(data_dir):
            for name in UNPRIVILEGED:
                # A link here leads to the stand-in for a directory that the server's user cannot reach.
                link = data_dir / name
                if link.is_symlink() and link.resolve().exists():
                    shutil.rmtree(link.resolve().parent)
            shutil.rmtree(data_dir)
    finally:
        lock.release()

"""Removing what a stack keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

from septet_native.errors import writing
from septet_native.lock import DataDirLock


def remove(data_dir: Path) -> None:
    """Delete everything below *data_dir*, and the database cluster where it had to go elsewhere.

    Raises:
        AlreadyRunning: a stack runs on it.
        NotWritable: a file cannot be deleted.
    """
    if not data_dir.exists():
        return
    lock = DataDirLock(data_dir)
    lock.acquire()
    try:
        with writing(data_dir):
            # A link here leads to the stand-in for a directory that the database's user cannot reach.
            cluster = data_dir / "postgres"
            if cluster.is_symlink() and cluster.resolve().exists():
                shutil.rmtree(cluster.resolve().parent)
            shutil.rmtree(data_dir)
    finally:
        lock.release()

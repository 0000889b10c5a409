"""Fetching a server's jars without blocking the others."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from septet_native import jars
from septet_native.errors import DownloadFailed
from septet_native.server import Say


def repository(name: str, cache: Path) -> Path:
    """Where the jars of the server *name* are kept; a class path of all of Kafka's holds no other's."""
    return cache / ("maven" if name == "kafka" else f"maven-{name}")


async def fetch_jars(name: str, cache: Path, say: Say) -> list[jars.LockedJar]:
    """The locked jars of the server *name*, present in its repository and equal to their checksums.

    Raises:
        DownloadFailed, ChecksumMismatch, DiskFull, NotWritable: as ``jars.fetch`` does.
    """
    stopped = threading.Event()

    def progress(done: int, of: int) -> None:
        if stopped.is_set():
            raise DownloadFailed("Fetching jars was stopped.", "start again")
        if done % 10 == 0 or done == of:
            say(f"fetching jars {done}/{of}")

    locked = jars.shipped_lock(name)
    try:
        await asyncio.to_thread(jars.fetch, locked, repository(name, cache), progress)
    except asyncio.CancelledError:
        # A thread cannot be cancelled; it ends at the next jar.
        stopped.set()
        raise
    return locked

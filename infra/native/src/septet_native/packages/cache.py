"""The user's cache directory, and files and directories in it that are built once."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from septet_native.errors import writing


def cache_root(explicit: Path | None = None) -> Path:
    """Directory for downloads and built models, shared by all data directories of a user.

    Args:
        explicit: the configured directory (``SEPTET_CACHE``); else ``$XDG_CACHE_HOME/septet``,
            else ``~/.cache/septet``.
    """
    if explicit is not None:
        return explicit.expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "septet"


def build_once(target: Path, build: Callable[[Path], None]) -> Path:
    """Return *target*, building it first when it is missing.

    A rename publishes the complete target. A lock file beside it makes concurrent processes build it once.

    Args:
        target: the file or directory to build.
        build: writes the file, or creates the directory, at the path that it gets.

    Raises:
        DiskFull, NotWritable: a write below the parent directory fails.
    """
    if target.exists():
        return target
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_name(target.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                partial = target.with_name(target.name + ".partial")
                _discard(partial)
                build(partial)
                partial.replace(target)
    return target


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

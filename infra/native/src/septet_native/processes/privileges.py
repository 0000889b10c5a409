"""Running a server as an unprivileged user when the stack runs as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from septet_native.errors import NotWritable, writing

# File in a stand-in that holds the path of the directory it replaces.
ORIGIN = "origin"
REACHABLE_ROOT = Path("/var/tmp")  # noqa: S108 - it survives a reboot, and every user can traverse it


@dataclass(frozen=True)
class Identity:
    """Numeric user and group."""

    uid: int
    gid: int


def unprivileged() -> Identity | None:
    """The user ``nobody`` when this process is root, else None (keep the current user)."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(65534, 65534)
    return Identity(entry.pw_uid, entry.pw_gid)


def can_traverse(directory: Path, user: Identity) -> bool:
    """Whether *user* may traverse *directory* and every parent of it."""
    for path in (directory, *directory.parents):
        if not path.exists():
            continue
        info = path.stat()
        if info.st_uid == user.uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == user.gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def reachable_dir(wanted: Path, user: Identity | None) -> Path:
    """*wanted*, or a stand-in for it that *user* can reach.

    A checkout below root's home is closed to every other user. The stand-in is a directory below ``/var/tmp``,
    named after the owner and the wanted path.

    Raises:
        NotWritable: another user owns a directory of that name.
    """
    if user is None or can_traverse(wanted.parent, user):
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    base = REACHABLE_ROOT / f"septet-{os.geteuid()}-{digest}"
    with writing(base.parent):
        base.mkdir(mode=0o711, exist_ok=True)
    info = base.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
        raise NotWritable(f"{base} belongs to another user.", f"remove {base}")
    base.chmod(0o711)
    (base / ORIGIN).write_text(str(wanted))
    return base / wanted.name


def link_stand_in(wanted: Path, actual: Path) -> None:
    """Create a link at *wanted* that leads to its stand-in *actual*; does nothing when they are the same."""
    if wanted != actual and not wanted.exists():
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(actual)


def set_aside(directory: Path) -> Path:
    """Rename a directory to the first free name with a number, which is returned."""
    aside = next(
        name
        for number in count(1)
        if not (name := directory.with_name(f"{directory.name}.{number}")).exists()
    )
    return directory.rename(aside)


def remove_orphans(root: Path = REACHABLE_ROOT) -> list[Path]:
    """Remove the stand-ins of temporary directories that no longer exist, such as those of test runs.

    Stand-ins of other directories are kept, because their disk may be unmounted for a time.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    removed = []
    for origin in root.glob(f"septet-{os.geteuid()}-*/{ORIGIN}"):
        wanted = Path(origin.read_text())
        if wanted.is_relative_to(temporary) and not wanted.parent.exists():
            shutil.rmtree(origin.parent)
            removed.append(origin.parent)
    return removed

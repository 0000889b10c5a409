"""Digests of the frozen schemas, which are immutable.

The list of digests is append-only. In a git checkout, every line that was ever committed must still exist, so that a
schema and its line cannot change together.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

DIGESTS = "digests.txt"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 by file name from the list in ``folder``; empty without a list."""
    path = folder / DIGESTS
    return _read(path.read_text("utf-8")) if path.is_file() else {}


def record(folder: Path, path: Path) -> None:
    """Append the line of a new frozen schema."""
    with (folder / DIGESTS).open("a", encoding="utf-8") as out:
        out.write(f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n")


def violations(folder: Path) -> Iterator[tuple[str, str]]:
    """File name and problem of each frozen schema that differs from its published bytes."""
    listed = digests(folder)
    for name, digest in sorted(_committed(folder) - set(listed.items())):
        yield name, f"its line in {DIGESTS} was changed or removed; the digest was {digest}"
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file():
            yield name, "the file is missing"
        elif _digest(path) != digest:
            yield name, f"the file differs from the published one ({digest[:12]}…)"
    for path in sorted(folder.glob("*/v*.json")):
        if path.relative_to(folder).as_posix() not in listed:
            yield path.relative_to(folder).as_posix(), f"the file has no line in {DIGESTS}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def _committed(folder: Path) -> set[tuple[str, str]]:
    """Every line of the list in each commit of the first-parent history; a merged branch counts by its result."""
    commits = _git(folder, "log", "--first-parent", "--format=%H", "--", DIGESTS).split()
    return {
        line for commit in commits for line in _read(_git(folder, "show", f"{commit}:./{DIGESTS}")).items()
    }


def _git(folder: Path, *arguments: str) -> str:
    """Output of git; empty without git or outside a repository."""

    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return ""
    done = subprocess.run(  # noqa: S603 - git with fixed arguments
        [git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""

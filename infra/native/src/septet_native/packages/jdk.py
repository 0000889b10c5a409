"""The Java development kit that is installed on the machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from septet_native.errors import ToolMissing

INSTALLED = (
    (Path("/usr/lib/jvm"), "*"),
    (Path("/Library/Java/JavaVirtualMachines"), "*/Contents/Home"),
    (Path("/opt/java"), "*"),
)
ENTRY = re.compile(r'^(\w+)="(.*)"$', re.MULTILINE)
# OpenSearch needs the first for vector computation, and the break rules of the second to create an index.
MODULES = ("jdk.incubator.vector", "jdk.localedata")


@dataclass(frozen=True)
class Jdk:
    """An installed Java.

    Attributes:
        home: its directory.
        version: the major version, for example 21.
    """

    home: Path
    version: int

    @property
    def java(self) -> Path:
        """The ``java`` program."""
        return self.home / "bin" / "java"


def find_jdk(oldest: int) -> Jdk:
    """The first suitable JDK of ``JAVA_HOME``, the usual directories of an installation, and the ``PATH``.

    Args:
        oldest: the lowest major version accepted.

    Raises:
        ToolMissing: no suitable JDK is installed.
    """
    for home in _homes():
        jdk = _read(home)
        if jdk is not None and jdk.version >= oldest:
            return jdk
    raise ToolMissing(
        f"Java {oldest} or later is not installed.",
        f"install a JDK {oldest} or later (apt-get install openjdk-{oldest}-jdk-headless, or dnf install "
        f"java-{oldest}-openjdk-headless, or Temurin), or name its directory in JAVA_HOME",
    )


def _homes() -> Iterator[Path]:
    if wanted := os.environ.get("JAVA_HOME"):
        yield Path(wanted)
    for folder, pattern in INSTALLED:
        yield from sorted(folder.glob(pattern), reverse=True)
    if found := shutil.which("java"):
        yield Path(found).resolve().parent.parent


def _read(home: Path) -> Jdk | None:
    """The JDK at *home* by its ``release`` file, or None when there is none or it lacks a module."""
    try:
        entries = dict(ENTRY.findall((home / "release").read_text()))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    modules = entries.get("MODULES", "").split()
    version = re.match(r"(?:1\.)?(\d+)", entries.get("JAVA_VERSION", ""))
    if version is None or not set(MODULES) <= set(modules) or not (home / "bin" / "java").exists():
        return None
    return Jdk(home, int(version[1]))

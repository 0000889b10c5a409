"""Virtual environments beside ``.venv``, made from lock files."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the repository's folder.

    Attributes:
        name: of its folder.
        lock_name: of its lock file.
        size: what it downloads on a new machine, for the message.
    """

    name: str
    lock_name: str
    size: str

    @property
    def folder(self) -> Path:
        """Its folder."""
        return ROOT / self.name

    @property
    def lock(self) -> Path:
        """Its lock file."""
        return ROOT / self.lock_name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder of its packages."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def is_installed(self) -> bool:
        """Whether it matches the lock file."""
        return (
            self.python.exists() and self._mark.exists() and self._mark.read_text("utf-8") == self._digest()
        )

    def install(self) -> None:
        """Create it, replacing an old one; :meth:`finish` completes it.

        Raises:
            subprocess.CalledProcessError: pip could not install the lock file.
        """
        print(
            f"{self.name}: installing packages from {self.lock_name} ({self.size} on a new machine)",
            flush=True,
        )
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(self.folder)
        # Exclude the generated environment from git.
        (self.folder / ".gitignore").write_text("*\n", "utf-8")
        self.pip("install", "--no-deps", "--require-hashes", "-r", self.lock)

    def finish(self) -> None:
        """Record that it matches the lock file."""
        self._mark.write_text(self._digest(), "utf-8")

    def pip(self, command: str, *arguments: str | Path) -> None:
        """Run pip in it.

        Raises:
            subprocess.CalledProcessError: pip failed.
        """
        quiet = ("--disable-pip-version-check", "--quiet", "--progress-bar", "off")
        subprocess.run([self.python, "-m", "pip", command, *quiet, *arguments], check=True)

    @property
    def _mark(self) -> Path:
        return self.folder / "lock.sha256"

    def _digest(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

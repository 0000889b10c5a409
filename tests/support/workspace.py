"""Pages that show how to extend Septet, followed in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADD_A_SERVICE = ROOT / "docs" / "how-to" / "add-a-service.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
NAME = "brevity"
_COPIED = (
    "contracts",
    "experiments",
    "readers",
    "tuning",
    "services",
    "infra",
    "cli",
    "tests",
    "conftest.py",
    "pyproject.toml",
    "Makefile",
)
_FILE = re.compile(r"^( *)```\w+\n\1# (\w+/\S+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_EMPTY = re.compile(r"^touch (services/\S+)", re.MULTILINE)
_EDIT = re.compile(r"^ *\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


@dataclass(frozen=True)
class Workspace:
    """A copy of the repository that contains the files of a page.

    Attributes:
        root: the copy.
        written: paths of the files that the page adds, relative to the root.
    """

    root: Path
    written: tuple[str, ...]

    def environment(self, **variables: str) -> Mapping[str, str]:
        """The environment of a process that imports the copy instead of the installed packages."""
        # Tests import their helpers from the root.
        sources = [str(self.root), *sorted(map(str, self.root.glob("**/src")))]
        return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sources), "PYTHONSAFEPATH": "1"}

    def run(self, *arguments: str, **variables: str) -> str:
        """Run Python in the copy; returns what it printed.

        Raises:
            AssertionError: it failed; the message is its output.
        """
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def edits(page: str) -> list[tuple[str, str, str]]:
    """File, old text and new text of each edit of the page."""
    return [
        (file, *(text.replace("\\|", "|").replace("\\n", "\n") for text in texts))
        for file, *texts in _EDIT.findall(page)
    ]


def files(page: str) -> dict[str, str]:
    """Texts of the files that the page adds, by path."""
    blocks = {name: textwrap.dedent(text) for _, name, text in _FILE.findall(page)}
    return {**blocks, **dict.fromkeys(_EMPTY.findall(page), "")}


def follow(target: Path, page: Path) -> Workspace:
    """Copy the repository to ``target``, write the page's files and make its edits.

    Raises:
        AssertionError: a text that the page replaces does not stand exactly once in its file.
    """
    ignored = shutil.ignore_patterns("__pycache__", ".*", "results")
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    added = files(page.read_text("utf-8"))
    for name, text in added.items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    for name, old, new in edits(page.read_text("utf-8")):
        file = target / name
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), "utf-8")
    return Workspace(target, tuple(added))

"""The Go compiler that is installed on the machine."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from septet_native.errors import ToolMissing
from septet_native.packages.versions import parsed

USUAL_PLACES = (Path("/usr/local/go/bin/go"), Path("/opt/homebrew/bin/go"), Path("/usr/lib/go/bin/go"))
# From 1.21 on, Go fetches the newer compiler that a module names.
OLDEST = (1, 21)


@dataclass(frozen=True)
class Go:
    """An installed Go."""

    program: Path
    version: str


def go_program() -> Path | None:
    """The ``go`` program on the ``PATH``, or at one of the usual places of an installation."""
    found = shutil.which("go")
    return Path(found) if found else next((path for path in USUAL_PLACES if path.exists()), None)


def find_go(fix: str) -> Go:
    """The Go compiler on the ``PATH``, or at one of the usual places of an installation.

    Args:
        fix: of the error, what to install.

    Raises:
        ToolMissing: Go is not installed, or it is too old.
    """
    program = go_program()
    if program is None:
        raise ToolMissing("Go is not installed.", fix)
    output = subprocess.run(  # noqa: S603
        [str(program), "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False
    ).stdout.strip()
    version = output.removeprefix("go").split("-")[0]
    if parsed(version) < OLDEST:
        raise ToolMissing(f"Go at {program} is too old: version {version or 'unknown'}.", fix)
    return Go(program, version)

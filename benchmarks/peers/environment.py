"""The environment of the peers: ``python -m benchmarks.peers.environment`` creates ``.venv-bench`` beside ``.venv``.

It installs ``requirements-bench.lock`` and adds the packages of the current environment after its own. Only there, the
peers' versions of shared libraries (openai 2, SQLAlchemy 2.0) override those of the product.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-bench"
LOCK = ROOT / "requirements-bench.lock"
PYTHON = FOLDER / "bin" / "python"
COMMAND = "python -m benchmarks.peers.environment"
_MARK = FOLDER / "lock.sha256"


def installed() -> bool:
    """Whether the environment matches the lock file."""
    return PYTHON.exists() and _MARK.exists() and _MARK.read_text("utf-8") == _digest()


def install() -> None:
    """Create the environment, replacing an old one.

    Raises:
        subprocess.CalledProcessError: pip could not install the lock file.
    """
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(FOLDER)
    # Exclude the generated environment from git.
    (FOLDER / ".gitignore").write_text("*\n", "utf-8")
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--progress-bar",
        "off",
    ]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", LOCK], check=True)
    site = FOLDER / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    own = sysconfig.get_paths()["purelib"]
    # addsitedir also reads the .pth files of editable installs; a plain path would not.
    (site / "septet.pth").write_text(f"import site; site.addsitedir({own!r})\n", "utf-8")
    _MARK.write_text(_digest(), "utf-8")


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    if installed():
        print(f"{FOLDER.name}: up to date")
    else:
        print(
            f"{FOLDER.name}: installing packages from {LOCK.name} (about 90 MB on a new machine)", flush=True
        )
        install()

"""The environment of the clients: ``python -m tests.clients.environment`` creates ``.venv-clients`` beside ``.venv``.

It installs ``requirements-clients.lock`` and unpacks the source distribution of the openai package, which has its tests.
With npm on the PATH, it also installs the packages of ``node/package-lock.json``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from benchmarks.environment import Environment

ENVIRONMENT = Environment(".venv-clients", "requirements-clients.lock", "about 130 MB")
COMMAND = "make test-clients"
OPENAI_TESTS = ENVIRONMENT.folder / "openai"
NODE = ENVIRONMENT.folder / "node"
_SOURCES = Path(__file__).with_name("node")
_NODE_FILES = ("package.json", "package-lock.json")


def is_installed() -> bool:
    """Whether the environment matches the lock files."""
    return ENVIRONMENT.is_installed() and (shutil.which("npm") is None or _has_node_packages())


def _has_node_packages() -> bool:
    is_current = all(
        (NODE / name).is_file() and (NODE / name).read_bytes() == (_SOURCES / name).read_bytes()
        for name in _NODE_FILES
    )
    return is_current and (NODE / "node_modules").is_dir()


def install() -> None:
    """Create the environment, replacing what does not match.

    Raises:
        subprocess.CalledProcessError: pip or npm could not install a lock file.
    """
    if not ENVIRONMENT.is_installed():
        ENVIRONMENT.install()
        _unpack_openai()
        ENVIRONMENT.finish()
    if shutil.which("npm") is not None:
        _install_node_packages()


def _install_node_packages() -> None:
    NODE.mkdir(exist_ok=True)
    for name in _NODE_FILES:
        shutil.copyfile(_SOURCES / name, NODE / name)
    command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    subprocess.run(command, cwd=NODE, check=True)


def _unpack_openai() -> None:
    """Fetch the source distribution of the locked openai package, with its hash, and unpack it."""
    locked = re.search(r"^openai==(?:.*\\\n)*.*$", ENVIRONMENT.lock.read_text("utf-8"), re.MULTILINE)
    assert locked is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = folder / "openai.txt"
        wanted.write_text(locked[0] + "\n", "utf-8")
        # Its build backend is in the lock file.
        source = ("--no-deps", "--no-build-isolation", "--no-binary", "openai", "--require-hashes")
        ENVIRONMENT.pip("download", *source, "--dest", folder, "-r", wanted)
        (archive,) = folder.glob("openai-*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        shutil.move(folder / archive.name.removesuffix(".tar.gz"), OPENAI_TESTS)


if __name__ == "__main__":
    if is_installed():
        print(f"{ENVIRONMENT.name}: up to date")
    else:
        install()

"""Fetches the console's libraries with npm, and verifies them against ``vendor.lock.json``.

``npm`` reads its registry from the user's configuration, so the lock names none: it has the name, the version, the
integrity of each package, and the digest of each file that the console serves.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

CONSOLE = Path(__file__).parents[2] / "services/gateway/src/septet_gateway/console"
LOCK = CONSOLE / "vendor.lock.json"
VENDOR = CONSOLE / "assets/vendor"


def problems(lock: Path = LOCK, vendor: Path = VENDOR) -> list[str]:
    """Differences between the lock and the committed files."""
    expected = {
        name: digest
        for package in json.loads(lock.read_text())["packages"]
        for name, digest in _files(package)
    }
    found = {str(path.relative_to(vendor)): path for path in vendor.rglob("*") if path.is_file()}
    changed = [
        f"{name}: digest differs"
        for name in sorted(expected.keys() & found.keys())
        if _sha256(found[name].read_bytes()) != expected[name]
    ]
    missing = [f"{name}: missing" for name in sorted(expected.keys() - found.keys())]
    return [
        *changed,
        *missing,
        *(f"{name}: not in the lock" for name in sorted(found.keys() - expected.keys())),
    ]


def refresh(lock: Path = LOCK, vendor: Path = VENDOR) -> None:
    """Fetch each package, verify its integrity, and write its files and their digests."""
    content = json.loads(lock.read_text())
    for package in content["packages"]:
        archive = _fetch(package)
        for target, file in package["files"].items():
            path = vendor / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive[f"package/{file['from']}"])
            file["sha256"] = _sha256(path.read_bytes())
    lock.write_text(json.dumps(content, indent=2) + "\n")


def _fetch(package: dict[str, Any]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        name = f"{package['name']}@{package['version']}"
        subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
        body = next(Path(folder).glob("*.tgz")).read_bytes()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
        if integrity != package["integrity"]:
            sys.exit(f"vendor: {name} has another integrity than the lock: {integrity}")
        wanted = {f"package/{file['from']}" for file in package["files"].values()}
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            members = [member for member in archive if member.name in wanted]
            return {m.name: data.read() for m in members if (data := archive.extractfile(m)) is not None}


def _files(package: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, file["sha256"]) for name, file in package["files"].items()]


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def main() -> None:
    """Refresh the files, or check them without a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare the files with the lock")
    if not parser.parse_args().check:
        refresh()
    found = problems()
    if found:
        sys.exit("vendor: " + "; ".join(found))


if __name__ == "__main__":
    main()

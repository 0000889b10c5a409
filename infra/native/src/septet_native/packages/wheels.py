"""Files of installed wheels."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from septet_native.errors import PackageMissing


def package_dir(module: str) -> Path:
    """Folder of the installed top-level package *module*, found without importing it.

    Some of these wheels import runtimes that are not installed on purpose, so they are never imported.

    Raises:
        PackageMissing: the package is not installed.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(
            f"The Python package {module.replace('_', '-')} is not installed.",
            "run `make setup` (or install septet-native with its dependencies)",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def package_file(module: str, *parts: str) -> Path:
    """A file inside an installed package.

    Raises:
        PackageMissing: the package or the file is missing.
    """
    path = package_dir(module).joinpath(*parts)
    if not path.exists():
        raise PackageMissing(
            f"{path.name} is missing from the package {module.replace('_', '-')}.",
            f"reinstall the package {module.replace('_', '-')}",
        )
    return path

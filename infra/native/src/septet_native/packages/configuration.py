"""Configuration files: those of this package, and those that the native stack shares with compose and Kubernetes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from septet_native.errors import PackageMissing

CONFIG = resources.files("septet_native") / "config"
INFRA = Path(__file__).parents[4]


def infra_file(*parts: str) -> Path:
    """A file below ``infra/`` of the checkout, for example ``infra_file("jaeger", "config.yaml")``.

    Raises:
        PackageMissing: this package was installed without the checkout around it.
    """
    path = INFRA.joinpath(*parts)
    if not path.exists():
        raise PackageMissing(
            f"{Path(*parts)} is not at {INFRA}.", "run the native stack from a checkout of the repository"
        )
    return path

"""The repository agrees with itself: generated pages, links, images, chart, versions.

The chart's tests need tools that ``make chart`` prepares, never a test.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ..support.script import load_script

PREPARE = Path(__file__).parents[2] / "infra" / "k8s" / "prepare.py"


@pytest.fixture(scope="session")
def tools() -> ModuleType:
    """``infra/k8s/prepare.py``, which says where the tools are kept."""
    return load_script(PREPARE)


@pytest.fixture(scope="session")
def helm(tools: ModuleType) -> str:
    """Path of Helm."""
    path: Path = tools.helm_path()
    if not path.exists():
        pytest.skip("Helm is not prepared: run `make chart`")
    return str(path)


@pytest.fixture(scope="session")
def keda_schemas(tools: ModuleType) -> dict[str, dict[str, Any]]:
    """OpenAPI schema of each KEDA kind that the chart uses, from the module of KEDA itself."""
    directory: Path = tools.keda_path()
    if not directory.exists():
        pytest.skip("KEDA's resource definitions are not prepared: run `make chart`")
    found = {}
    for path in sorted(directory.glob("*.yaml")):
        definition = yaml.safe_load(path.read_text("utf-8"))
        version = next(v for v in definition["spec"]["versions"] if v["name"] == "v1alpha1")
        found[definition["spec"]["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return found

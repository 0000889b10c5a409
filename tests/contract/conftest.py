"""Tools that only contract tests need: Helm, and the schemas of KEDA's resources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from septet_native.cache import build_once, cache_root

HELM = "v3.21.4"
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
KEDA_KINDS = ("scaledobjects", "triggerauthentications")


def go(*arguments: str, **env: str) -> str:
    """Run Go, at a low priority; the test is skipped where Go or the module proxy is missing.

    The first build of Helm takes two minutes on two cores, hence the priority.
    """
    program = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(program).exists():
        pytest.skip("neither Helm nor Go is installed")
    command = ["nice", "-n", "10", program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env={**os.environ, "CGO_ENABLED": "0", **env}
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"go {arguments[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


@pytest.fixture(scope="session")
def helm() -> str:
    """Path of Helm: the one of this machine, or one that is built once into the user's cache directory."""
    installed = shutil.which("helm")
    if installed is not None:
        return installed

    def build(target: Path) -> None:
        folder = target.with_suffix(".build")
        go("install", "-trimpath", "-ldflags=-s -w", f"helm.sh/helm/v3/cmd/helm@{HELM}", GOBIN=str(folder))
        (folder / "helm").replace(target)
        folder.rmdir()

    return str(build_once(cache_root() / "tools" / f"helm-{HELM}", build))


@pytest.fixture(scope="session")
def keda_schemas() -> dict[str, dict[str, Any]]:
    """OpenAPI schema of each KEDA kind that the chart uses, from the module of KEDA itself."""
    folder = Path(json.loads(go("mod", "download", "-json", KEDA))["Dir"]) / "config" / "crd" / "bases"
    found = {}
    for name in KEDA_KINDS:
        definition = yaml.safe_load((folder / f"keda.sh_{name}.yaml").read_text("utf-8"))
        version = next(v for v in definition["spec"]["versions"] if v["name"] == "v1alpha1")
        found[definition["spec"]["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return found

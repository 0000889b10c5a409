"""Prepares the tools of the chart's tests: Helm, and the schemas of KEDA's resources.

usage: python infra/k8s/prepare.py        (with the project's interpreter; needs Go)

Helm is compiled once into the user's cache directory (two minutes on two cores); a Helm on the ``PATH`` is used instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from septet_native.errors import BuildFailed, StackError, ToolMissing
from septet_native.packages.cache import build_once, cache_root
from septet_native.packages.go import go_program

HELM = "v3.21.4"
KEDA = "v2.21.0"
KEDA_KINDS = ("scaledobjects", "triggerauthentications")


def helm_path() -> Path:
    """Path of Helm: on the ``PATH``, else in the cache, where it may be missing."""
    installed = shutil.which("helm")
    return Path(installed) if installed else cache_root() / "tools" / f"helm-{HELM}"


def keda_path() -> Path:
    """Directory of KEDA's resource definitions in the cache; it may be missing."""
    return cache_root() / "tools" / f"keda-{KEDA}"


def main() -> int:
    """Prepare the tools that are missing; returns the exit code."""
    try:
        print(f"chart: {build_once(helm_path(), _build_helm)}")
        print(f"chart: {build_once(keda_path(), _copy_definitions)}")
    except StackError as error:
        print(f"chart: {error.message}\nfix: {error.fix}", file=sys.stderr)
        return 1
    return 0


def _build_helm(target: Path) -> None:
    directory = target.with_suffix(".build")
    _go("install", "-trimpath", "-ldflags=-s -w", f"helm.sh/helm/v3/cmd/helm@{HELM}", GOBIN=str(directory))
    (directory / "helm").replace(target)
    directory.rmdir()


def _copy_definitions(target: Path) -> None:
    module = json.loads(_go("mod", "download", "-json", f"github.com/kedacore/keda/v2@{KEDA}"))["Dir"]
    target.mkdir()
    for name in KEDA_KINDS:
        shutil.copyfile(
            Path(module, "config", "crd", "bases", f"keda.sh_{name}.yaml"), target / f"{name}.yaml"
        )


def _go(*arguments: str, **env: str) -> str:
    """Run Go at a low priority, because a build takes every core.

    Raises:
        ToolMissing: Go is not installed.
        BuildFailed: Go failed.
    """
    program = go_program()
    if program is None:
        raise ToolMissing("Go is not installed.", "install Go (https://go.dev/dl), or put helm on the PATH")
    done = subprocess.run(  # noqa: S603
        [shutil.which("nice") or "nice", "-n", "10", str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "CGO_ENABLED": "0", **env},
    )
    if done.returncode:
        raise BuildFailed(
            f"go {arguments[0]} failed:\n{done.stderr.strip()[-1000:]}", "see the compiler's output above"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

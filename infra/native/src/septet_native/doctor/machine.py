"""Checks of the machine: Python, platform, OpenMP, disk, memory, permissions."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from pathlib import Path

import psutil

from septet_native.doctor.check import Check
from septet_native.errors import StackError, writing

NEEDED_DISK_GB = 1.0
NEEDED_MEMORY_GB = 2.5


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Python is 3.11 or later."""
    text = ".".join(map(str, version))
    ok = version >= (3, 11)
    return Check(
        "python", ok, text, "" if ok else "install Python 3.11 or later and run `make setup` with it"
    )


def check_platform(system: str = "", machine: str = "") -> Check:
    """Every wheel exists for this system."""
    found = (system or platform.system(), machine or platform.machine())
    ok = found[0] in ("Linux", "Darwin") and found[1] in ("x86_64", "aarch64", "arm64")
    fix = "" if ok else "use Linux or macOS on x86-64 or ARM64, or docker compose"
    return Check("platform", ok, " ".join(found), fix)


def check_openmp(library: str = "libgomp.so.1") -> Check:
    """The OpenMP runtime of the system can be loaded; the language model's server links to it."""
    try:
        ctypes.CDLL(library)
    except OSError as error:
        return Check(
            "openmp", False, str(error), "install it: apt-get install libgomp1 (or dnf install libgomp)"
        )
    return Check("openmp", True, library)


def check_disk(directory: Path, name: str, free: float | None = None) -> Check:
    """At least ``NEEDED_DISK_GB`` are free; *free* in GB overrides the measurement."""
    existing = _existing(directory)
    gb = shutil.disk_usage(existing).free / 1e9 if free is None else free
    ok = gb >= NEEDED_DISK_GB
    variable = "SEPTET_CACHE" if name == "cache" else "SEPTET_DATA_DIR"
    fix = "" if ok else f"free {NEEDED_DISK_GB:.0f} GB there, or set {variable} to another disk"
    return Check(f"disk for {name}", ok, f"{gb:.1f} GB free at {existing}", fix)


def check_memory(available: float | None = None) -> Check:
    """At least ``NEEDED_MEMORY_GB`` are available; *available* in GB overrides the measurement."""
    gb = psutil.virtual_memory().available / 1e9 if available is None else available
    ok = gb >= NEEDED_MEMORY_GB
    fix = (
        "" if ok else "close other programs, or set SEPTET_LLM=false and SEPTET_LLM_URL to a model elsewhere"
    )
    return Check("memory", ok, f"{gb:.1f} GB available", fix)


def check_writable(directory: Path, name: str) -> Check:
    """*directory* can be created and written."""
    probe = _existing(directory) / f".septet-probe-{os.getpid()}"
    try:
        with writing(directory):
            probe.touch()
            probe.unlink()
    except StackError as error:
        return Check(f"{name} writable", False, error.message, error.fix)
    return Check(f"{name} writable", True, str(directory))


def _existing(directory: Path) -> Path:
    """*directory*, or the nearest parent that exists."""
    return next(path for path in (directory, *directory.parents) if path.exists())

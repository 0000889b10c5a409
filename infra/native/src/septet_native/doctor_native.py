"""What the native stack needs beyond the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from septet_native import jaeger_build, jars
from septet_native.downloads import repository
from septet_native.errors import ToolMissing
from septet_native.findings import Check
from septet_native.jdk import find_jdk
from septet_native.starting import Starting
from septet_native.versions import pinned


def check_native(cache: Path, *, needed: bool) -> list[Check]:
    """The tools and built files of the native stack.

    Args:
        cache: downloads and built programs.
        needed: whether something missing is a problem; else it is only said.
    """
    java = pinned("opensearch")["java"]
    checks = [_tool("jdk", "OpenSearch", lambda: _jdk(java), needed), _opensearch(cache)]
    built = jaeger_build.available(cache)
    if built is not None:
        return [*checks, Check("jaeger", True, str(built))]
    go = _tool("go", "Jaeger", _go, needed)
    if go.ok and not go.detail.startswith("none"):
        detail = "not built yet: 7 to 15 minutes at the first `make stack`, once"
        return [*checks, go, Check("jaeger", True, detail)]
    return [*checks, go]


def check_starting(starting: Starting) -> Check:
    """A stack that is starting is as it should be; its steps tell how far it is."""
    steps = dict(starting.steps)
    waiting = [f"{name} {state}" for name, state in steps.items() if state != "ready"]
    ready = len(steps) - len(waiting)
    rest = f"; {', '.join(waiting)}" if waiting else ""
    return Check("stack", True, f"starting (pid {starting.pid}): {ready} ready{rest}")


def _tool(name: str, server: str, find: Callable[[], str], needed: bool) -> Check:
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
    go = jaeger_build.find_go()
    return f"{go.version} at {go.program}"


def _opensearch(cache: Path) -> Check:
    locked = jars.shipped_lock("opensearch")
    folder = repository("opensearch", cache)
    absent = [jar for jar in locked if not (folder / jar.relative_path).exists()]
    if len(absent) == len(locked):
        return Check(
            "opensearch jars", True, f"not fetched yet: {len(locked)} at the first `make stack` (49 MB)"
        )
    wrong = jars.missing(locked, folder)
    if wrong:
        names = ", ".join(jar.artifact for jar in wrong[:5])
        fix = f"remove {folder} and start again"
        return Check("opensearch jars", False, f"{len(wrong)} missing or changed: {names}", fix)
    return Check("opensearch jars", True, f"{len(locked)} jars, checksums right")

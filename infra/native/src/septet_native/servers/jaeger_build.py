"""The build of Jaeger from its published Go module, once per user."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from septet_native.errors import BuildFailed, ChecksumMismatch, writing
from septet_native.packages.go import Go, find_go
from septet_native.packages.versions import pinned
from septet_native.processes.process import launched
from septet_native.servers.server import Report

LINKER_FLAGS = (
    "-s -w -X {module}/internal/version.latestVersion=v{version}"
    " -X {module}/internal/version.commitSHA=module -X {module}/internal/version.date=module"
)
# Lines of the compiler's output in an error message.
SHOWN_LINES = 15


def binary_path(cache: Path) -> Path:
    """Path of the built program in the cache."""
    return cache / f"jaeger-{pinned('jaeger')['version']}"


def find_compiler() -> Go:
    """The Go compiler of the machine.

    Raises:
        ToolMissing: Go is not installed, or it is too old.
    """
    oldest = pinned("jaeger")["go"]
    return find_go(f"install Go {oldest} or later (https://go.dev/dl), or put a built jaeger on the PATH")


def available(cache: Path) -> Path | None:
    """A Jaeger that exists: built before, or on the ``PATH``; else None."""
    if (built := binary_path(cache)).exists():
        return built
    found = shutil.which("jaeger")
    return Path(found) if found else None


async def ensure_binary(cache: Path, report: Report) -> Path:
    """The program, compiled when it is missing; a lock file makes concurrent processes compile it once.

    Args:
        cache: the user's cache directory.
        report: called with the progress: modules fetched, packages compiled.

    Raises:
        ToolMissing: Go is not installed.
        BuildFailed: the compilation failed, or a module could not be fetched.
        ChecksumMismatch: the module differs from the pinned one.
        DiskFull, NotWritable: the cache cannot be written.
    """
    if (found := available(cache)) is not None:
        return found
    target = binary_path(cache)
    with writing(cache):
        await asyncio.to_thread(cache.mkdir, parents=True, exist_ok=True)
        async with _locked(target.with_name(target.name + ".lock"), report):
            if not target.exists():
                await _build(await asyncio.to_thread(find_compiler), target, report)
    return target


async def _build(go: Go, target: Path, report: Report) -> None:
    entry = pinned("jaeger")
    partial = target.with_name(target.name + ".partial")
    report("fetching the source")
    source = await _download(go, entry["module"], entry["module_version"], entry["sum"])
    total = await _count_packages(go, source, report)
    compiled = 0

    def line(text: str) -> None:
        nonlocal compiled
        # With -v the compiler prints each package that it compiles; it omits those in Go's cache.
        if re.fullmatch(r"[\w./~-]+", text):
            compiled += 1
            if compiled % 25 == 0:
                report(f"compiling, {compiled} of at most {total} packages (7 to 15 minutes the first time)")

    flags = LINKER_FLAGS.format(module=entry["module"], version=entry["version"])
    argv = ("build", "-v", "-trimpath", "-ldflags", flags, "-o", str(partial), "./cmd/jaeger")
    report(f"compiling, up to {total} packages (7 to 15 minutes the first time)")
    await _go(go, argv, source, line)
    partial.replace(target)


async def _download(go: Go, module: str, version: str, checksum: str) -> Path:
    wanted = f"{module}@{version}"
    out = await _go(go, ("mod", "download", "-json", wanted), Path("/"), None, {"GOFLAGS": "-mod=mod"})
    answer = json.loads(out[out.index("{") :])
    if answer["Sum"] != checksum:
        raise ChecksumMismatch(
            f"{wanted} has the sum {answer['Sum']}, expected {checksum}.",
            "check the module proxy in `go env GOPROXY`: it serves a different file",
        )
    return Path(answer["Dir"])


async def _count_packages(go: Go, source: Path, report: Report) -> int:
    """Number of packages of the program; listing them fetches the missing modules."""
    modules = packages = 0

    def line(text: str) -> None:
        nonlocal modules, packages
        if text.startswith("go: downloading"):
            modules += 1
            if modules % 10 == 0:
                report(f"fetching modules, {modules} so far")
        elif text:
            packages += 1

    await _go(go, ("list", "-deps", "./cmd/jaeger"), source, line)
    return packages


async def _go(
    go: Go,
    arguments: tuple[str, ...],
    folder: Path,
    line: Callable[[str], None] | None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run Go to its end and return its output; it is killed when this process ends or the task is cancelled.

    It inherits the user's environment, which sets proxies, the module cache and private modules.
    """
    argv = (str(go.program), *arguments)
    own = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", **(variables or {})}
    tool = await asyncio.create_subprocess_exec(
        *launched(argv, None, signal.SIGKILL),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **own},
        cwd=folder,
        start_new_session=True,
    )
    try:
        output, last = await _follow(tool, line)
        status = await tool.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            # The whole session, because Go starts compilers as child processes.
            os.killpg(tool.pid, signal.SIGKILL)
        await tool.wait()
        raise
    if status != 0:
        raise BuildFailed(
            f"Jaeger could not be built: `go {' '.join(arguments[:2])}` ended with status {status}:\n{last}",
            "check the network and `go env GOPROXY`, and that 4 GB are free in `go env GOCACHE`, then start again",
        )
    return output


async def _follow(tool: asyncio.subprocess.Process, line: Callable[[str], None] | None) -> tuple[str, str]:
    """The output of *tool*, empty when *line* receives it, and its last lines."""
    assert tool.stdout is not None
    kept: list[str] = []
    last: deque[str] = deque(maxlen=SHOWN_LINES)
    async for raw in tool.stdout:
        text = raw.decode(errors="replace").rstrip()
        last.append(text)
        if line is None:
            kept.append(text)
        else:
            line(text)
    return "\n".join(kept), "\n".join(last)


@asynccontextmanager
async def _locked(path: Path, report: Report) -> AsyncIterator[None]:
    with path.open("w") as file:
        waited = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waited:
                    report("waiting for another process that builds Jaeger")
                waited = True
                await asyncio.sleep(1)
        yield

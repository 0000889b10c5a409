"""Jars of Kafka and OpenSearch: locks with SHA-256 sums, and the download of the locked jars.

``python -m septet_native.packages.jars [kafka|opensearch ...]`` writes the locks after a change of the coordinates.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import LockFile
from jgo.maven import MavenContext
from jgo.parse import Coordinate
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from septet_native.errors import ChecksumMismatch, DownloadFailed, writing
from septet_native.packages.configuration import CONFIG

LOCKED = ("kafka", "opensearch")
# Coordinates that name every jar: the resolver cannot read the POM of Netty 4.2.
CLOSED = ("opensearch",)
PARALLEL_DOWNLOADS = 6


@dataclass(frozen=True)
class LockedJar:
    """One jar of the lock: Maven coordinates and the SHA-256 of the file, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def relative_path(self) -> Path:
        """Path in the layout of a Maven repository."""
        folder = Path(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"


def read_lock(name: str) -> list[LockedJar]:
    """The jars of the server *name*, one of ``LOCKED``, from the lock that ships with this package."""
    with resources.as_file(CONFIG / f"{name}.lock.toml") as path:
        lock = LockFile.load(path)
    return [LockedJar(d.groupId, d.artifactId, d.version, d.sha256 or "") for d in lock.dependencies]


def repository(name: str, cache: Path) -> Path:
    """Directory of the jars of the server *name* in *cache*, in the layout of a Maven repository."""
    return cache / ("maven" if name == "kafka" else f"maven-{name}")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def classpath(jars: list[LockedJar], repository: Path) -> str:
    """The Java class path for *jars* below *repository*."""
    return ":".join(str(repository / jar.relative_path) for jar in jars)


def fetch(
    jars: list[LockedJar], repository: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> None:
    """Download the jars that are missing below *repository* and verify all of them.

    Once all jars are verified, a marker named after the lock is written. With the marker, later calls check
    presence and size only.

    Args:
        jars: the jars to fetch.
        repository: directory in the layout of a Maven repository.
        progress: called with the number of jars that are ready, and the number of all.

    Raises:
        DownloadFailed: a jar could not be fetched.
        ChecksumMismatch: a jar differs from the lock; the file is removed.
        DiskFull, NotWritable: a write below the repository fails.
    """
    marker = repository / f"verified-{_lock_id(jars)}"
    if marker.exists() and marker.read_text() == _inventory(jars, repository):
        return
    with writing(repository):
        repository.mkdir(parents=True, exist_ok=True)
        with (repository / "fetch.lock").open("w") as lock:
            # Two stacks that start at the same time must not write the same files.
            fcntl.flock(lock, fcntl.LOCK_EX)
            _fetch_all(jars, repository, progress)
        marker.write_text(_inventory(jars, repository))


async def fetch_server(name: str, cache: Path, report: Callable[[str], None]) -> list[LockedJar]:
    """Fetch and verify the jars of the server *name* in a thread; returns the jars.

    Args:
        name: one of ``LOCKED``.
        cache: the user's cache directory.
        report: called with the progress.

    Raises:
        DownloadFailed, ChecksumMismatch, DiskFull, NotWritable: as ``fetch``.
    """
    cancelled = threading.Event()

    def progress(done: int, total: int) -> None:
        if cancelled.is_set():
            raise DownloadFailed("The download of jars was cancelled.", "start again")
        if done % 10 == 0 or done == total:
            report(f"fetching jars {done}/{total}")

    locked = read_lock(name)
    try:
        await asyncio.to_thread(fetch, locked, repository(name, cache), progress)
    except asyncio.CancelledError:
        # A thread cannot be cancelled; it ends at the next jar.
        cancelled.set()
        raise
    return locked


def missing(jars: list[LockedJar], repository: Path) -> list[LockedJar]:
    """Jars that are absent from *repository* or differ from their checksum."""
    return [
        jar
        for jar in jars
        if not (path := repository / jar.relative_path).exists() or sha256(path) != jar.sha256
    ]


def _fetch_all(jars: list[LockedJar], repository: Path, progress: Callable[[int, int], None]) -> None:
    context = _context(repository)
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="jars") as pool:
        for done, _ in enumerate(pool.map(lambda jar: _fetch_one(jar, context), jars), start=1):
            progress(done, len(jars))


def _fetch_one(jar: LockedJar, context: MavenContext) -> None:
    path = context.repo_cache / jar.relative_path
    if path.exists() and sha256(path) == jar.sha256:
        return
    # The rest of an interrupted download.
    path.unlink(missing_ok=True)
    try:
        _download(jar, context)
    except (requests.RequestException, RuntimeError) as error:
        raise DownloadFailed(
            f"Could not fetch {jar.artifact} {jar.version}: {error}",
            "check the network; behind a mirror, name it under [repositories] in ~/.config/jgo.conf",
        ) from error
    if (actual := sha256(path)) != jar.sha256:
        path.unlink()
        raise ChecksumMismatch(
            f"{path.name} has SHA-256 {actual[:16]}…, expected {jar.sha256[:16]}….",
            "start again to fetch it again; if the error returns, the repository or proxy serves a changed file",
        )


@retry(
    retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout)),
    stop=stop_after_attempt(3),
    wait=wait_random_exponential(max=5),
    reraise=True,
)
def _download(jar: LockedJar, context: MavenContext) -> None:
    (context.repo_cache / jar.relative_path).unlink(missing_ok=True)
    context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()


def _context(repository: Path) -> MavenContext:
    # Mirrors from the user's own jgo configuration come first.
    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    return MavenContext(repo_cache=repository, remote_repos=remotes, timeout=30)


def _lock_id(jars: list[LockedJar]) -> str:
    return hashlib.sha256("".join(jar.sha256 for jar in jars).encode()).hexdigest()[:16]


def _inventory(jars: list[LockedJar], repository: Path) -> str:
    paths = [repository / jar.relative_path for jar in jars]
    return "".join(f"{path.name} {path.stat().st_size if path.exists() else -1}\n" for path in paths)


def write_lock(name: str, coordinates: list[str], repository: Path, target: Path) -> int:
    """Resolve the *coordinates* of *name* and their dependencies into *target*; returns the number of jars.

    Every coordinate must name its version: where bills of materials disagree, the resolver picks old versions.
    """
    context = _context(repository)
    wanted = [
        context.create_dependency(replace(Coordinate.parse(line), scope="compile")) for line in coordinates
    ]
    needed = wanted
    if name not in CLOSED:
        inputs, transitive = context.resolver.resolve(wanted)
        needed = [*inputs, *(d for d in transitive if d.scope in ("compile", "runtime"))]
    lock = LockFile.from_resolved_dependencies(needed, environment_name=name)
    lock.save(target)
    return len(needed)


def main() -> None:
    """Write the lock files that ship with this package from the coordinates beside them."""
    from septet_native.packages.cache import cache_root

    folder = Path(str(CONFIG))
    for name in sys.argv[1:] or LOCKED:
        lines = (folder / f"{name}.coordinates.txt").read_text().split()
        count = write_lock(name, lines, cache_root() / "maven", folder / f"{name}.lock.toml")
        print(f"{name}.lock.toml: {count} jars")


if __name__ == "__main__":
    main()

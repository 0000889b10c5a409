"""OpenSearch on a Java development kit of the machine."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

import httpx

from septet_native.downloads import fetch_jars, repository
from septet_native.errors import writing
from septet_native.jdk import Jdk
from septet_native.opensearch_home import lay_out
from septet_native.ports import LOOPBACK
from septet_native.privileges import Identity, reachable_dir, unprivileged
from septet_native.process import Command
from septet_native.server import Places, Say, clean_environment
from septet_native.shared import infra_file
from septet_native.versions import pinned

CONFIG = resources.files("septet_native") / "config"
# The options of the distribution's own start script, a small heap, and the first compiler only.
JVM_OPTIONS = (
    "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss1m", "-XX:-OmitStackTraceInFastThrow",
    "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-Djna.nosys=true", "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true", "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0", "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true",
    "-Dopensearch.networkaddress.cache.ttl=60", "-Dopensearch.networkaddress.cache.negative.ttl=10",
    "-Dopensearch.distribution.type=tar", "-Dopensearch.bundled_jdk=false",
    "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
)  # fmt: skip


@dataclass(frozen=True)
class OpenSearch:
    """One node on loopback, without the security plugin.

    It refuses to run as root; then it runs as ``nobody``, with its files where that user can reach them.
    """

    places: Places
    port: int
    transport_port: int
    jdk: Jdk
    heap_mb: int = 512
    name: str = "opensearch"

    @property
    def url(self) -> str:
        """Address of its HTTP API."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def data_dir(self) -> Path:
        """Directory of the configuration, the indices and temporary files."""
        return reachable_dir(self.places.data / "opensearch", unprivileged())

    @property
    def home(self) -> Path:
        """Directory of the program, laid out from the jars."""
        version = pinned("opensearch")["version"]
        return reachable_dir(self.places.cache / f"opensearch-{version}", unprivileged())

    async def prepare(self, say: Say) -> None:
        """Fetch the jars, lay the program out, and make the directories on the first start.

        Raises:
            DownloadFailed, ChecksumMismatch: of the jars.
            DiskFull, NotWritable: a directory does not take them.
        """
        jars = await fetch_jars("opensearch", self.places.cache, say)
        await asyncio.to_thread(lay_out, jars, repository("opensearch", self.places.cache), self.home)
        self._make_directories(unprivileged())

    def command(self) -> Command:
        """The server's main class on the home."""
        data, home = self.data_dir, self.home
        heap, tmp = f"{self.heap_mb}m", data / "tmp"
        # Java 23 warns of a memory access that Lucene still uses; earlier ones do not know the option.
        quiet = ("--sun-misc-unsafe-memory-access=allow",) if self.jdk.version >= 23 else ()
        return Command(
            name=self.name,
            argv=(
                str(self.jdk.java), f"-Xms{heap}", f"-Xmx{heap}", *JVM_OPTIONS, *quiet, f"-Djna.tmpdir={tmp}",
                f"-Djava.io.tmpdir={tmp}", f"-Dopensearch.path.home={home}",
                f"-Dopensearch.path.conf={data / 'config'}", "-cp", f"{home / 'lib'}/*",
                "org.opensearch.bootstrap.OpenSearch",
            ),
            log=self.places.logs / "opensearch.log",
            env={
                **clean_environment(), "OPENSEARCH_HOST": LOOPBACK, "OPENSEARCH_HTTP_PORT": str(self.port),
                "OPENSEARCH_TRANSPORT_PORT": str(self.transport_port), "OPENSEARCH_DATA": str(data / "data"),
                "OPENSEARCH_LOGS": str(data / "logs"), "HOME": str(tmp), "TMPDIR": str(tmp),
            },
            grace=timedelta(seconds=15),
            user=unprivileged(),
            cwd=home,
        )  # fmt: skip

    async def probe(self) -> bool:
        """Whether the node has a cluster that serves: at least yellow."""
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=2, trust_env=False) as client:
                answer = await client.get("/_cluster/health")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json()["status"] in ("yellow", "green")

    async def finish(self) -> None:
        """Nothing: templates and indices belong to the retrieval service."""

    def _make_directories(self, user: Identity | None) -> None:
        data = self.data_dir
        with writing(data.parent):
            for folder in (data, *(data / name for name in ("config", "data", "logs", "tmp"))):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _give(folder, user)
            for name, source in (
                ("opensearch.yml", infra_file("opensearch", "opensearch.yml").read_text()),
                ("log4j2.properties", (CONFIG / "opensearch.log4j2.properties").read_text()),
            ):
                (data / "config" / name).write_text(source)
                _give(data / "config" / name, user)
            wanted = self.places.data / "opensearch"
            if wanted != data and not wanted.exists():
                # A link where one would look for the indices when they had to go elsewhere.
                wanted.unlink(missing_ok=True)
                wanted.symlink_to(data)


def _give(path: Path, user: Identity | None) -> None:
    if user is not None:
        os.chown(path, user.uid, user.gid)

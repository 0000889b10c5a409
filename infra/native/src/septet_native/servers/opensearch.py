"""OpenSearch on a Java development kit that is installed on the machine."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from septet_native.errors import writing
from septet_native.packages.configuration import CONFIG, infra_file
from septet_native.packages.jars import fetch_server, repository
from septet_native.packages.jdk import Jdk
from septet_native.packages.versions import pinned
from septet_native.processes.ports import LOOPBACK
from septet_native.processes.privileges import Identity, link_stand_in, reachable_dir, unprivileged
from septet_native.processes.process import Command, clean_environment
from septet_native.servers.opensearch_home import lay_out
from septet_native.servers.server import Places, Report

# The options of the distribution's own start script, a small heap, and the first compiler only.
JVM_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xss1m",
    "-XX:-OmitStackTraceInFastThrow",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dopensearch.networkaddress.cache.ttl=60",
    "-Dopensearch.networkaddress.cache.negative.ttl=10",
    "-Dopensearch.distribution.type=tar",
    "-Dopensearch.bundled_jdk=false",
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
)


@dataclass(frozen=True)
class OpenSearch:
    """One node on loopback, without the security plugin.

    OpenSearch does not start as root. A stack that runs as root starts it as ``nobody``, with its files where that
    user can reach them.
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
        """Home directory of the program, laid out from the jars."""
        version = pinned("opensearch")["version"]
        return reachable_dir(self.places.cache / f"opensearch-{version}", unprivileged())

    async def prepare(self, report: Report) -> None:
        """Fetch the jars, lay out the home directory, and create the data directories on the first start.

        Raises:
            DownloadFailed, ChecksumMismatch: the jars could not be fetched.
            DiskFull, NotWritable: a directory cannot be written.
        """
        jars = await fetch_server("opensearch", self.places.cache, report)
        await asyncio.to_thread(lay_out, jars, repository("opensearch", self.places.cache), self.home)
        self._make_directories(unprivileged())

    def command(self) -> Command:
        """The server's main class on the home directory."""
        data = self.data_dir
        return Command(
            name=self.name,
            argv=self._argv(data),
            log=self.places.logs / "opensearch.log",
            env={**clean_environment(), **self._environment(data)},
            grace=timedelta(seconds=15),
            user=unprivileged(),
            cwd=self.home,
        )

    def _argv(self, data: Path) -> tuple[str, ...]:
        heap, tmp = f"{self.heap_mb}m", data / "tmp"
        # Java 23 warns of a memory access that Lucene uses; earlier versions reject the option.
        quiet = ("--sun-misc-unsafe-memory-access=allow",) if self.jdk.version >= 23 else ()
        memory = (f"-Xms{heap}", f"-Xmx{heap}")
        folders = (
            f"-Djna.tmpdir={tmp}",
            f"-Djava.io.tmpdir={tmp}",
            f"-Dopensearch.path.home={self.home}",
            f"-Dopensearch.path.conf={data / 'config'}",
        )
        main = ("-cp", f"{self.home / 'lib'}/*", "org.opensearch.bootstrap.OpenSearch")
        return (str(self.jdk.java), *memory, *JVM_OPTIONS, *quiet, *folders, *main)

    def _environment(self, data: Path) -> dict[str, str]:
        return {
            "OPENSEARCH_HOST": LOOPBACK,
            "OPENSEARCH_HTTP_PORT": str(self.port),
            "OPENSEARCH_TRANSPORT_PORT": str(self.transport_port),
            "OPENSEARCH_DATA": str(data / "data"),
            "OPENSEARCH_LOGS": str(data / "logs"),
            "HOME": str(data / "tmp"),
            "TMPDIR": str(data / "tmp"),
        }

    async def probe(self) -> bool:
        """Whether the cluster's health is at least yellow."""
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=2, trust_env=False) as client:
                answer = await client.get("/_cluster/health")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json()["status"] in ("yellow", "green")

    async def finish(self) -> None:
        """Do nothing: the retrieval service creates templates and indices."""

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
            link_stand_in(self.places.data / "opensearch", data)


def _give(path: Path, user: Identity | None) -> None:
    if user is not None:
        os.chown(path, user.uid, user.gid)

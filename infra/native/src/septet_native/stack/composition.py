"""The servers of each stack.

``embedded`` needs Python packages only. ``native`` runs the servers of production: Kafka with users and ACLs,
OpenSearch, PostgreSQL and Jaeger. OpenSearch needs a JDK and Jaeger needs Go. When one of them is not installed, the
server of the embedded stack replaces it, and ``Composition.missing`` lists it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from septet_kit.tenants import Tenants

from septet_native.credentials.passwords import KEY_SECRET_FILE, password, sealing_keys
from septet_native.errors import ToolMissing
from septet_native.models.build import MODELS
from septet_native.packages.jdk import find_jdk
from septet_native.packages.versions import pinned
from septet_native.processes.ports import LOOPBACK
from septet_native.servers import jaeger_build
from septet_native.servers.jaeger import Jaeger
from septet_native.servers.kafka import Kafka
from septet_native.servers.opensearch import OpenSearch
from septet_native.servers.postgres import Postgres
from septet_native.servers.python_servers import EmbeddingsServer, LanguageModel, TracesServer
from septet_native.servers.server import Places, Server
from septet_native.stack.addresses import Addresses
from septet_native.stack.settings import StackSettings
from septet_native.stack.state import Missing

ChoosePort = Callable[[str, int], int]


@dataclass
class Composition:
    """The servers of one stack.

    Attributes:
        kafka, postgres, embeddings: servers of every stack.
        traces: receives and shows traces.
        opensearch: None when retrieval uses its own lexical index.
        gateway_port: port of the gateway's API.
        llm: None when the settings name another endpoint, or no model.
        missing: servers that cannot run on this machine.
    """

    settings: StackSettings
    kafka: Kafka
    postgres: Postgres
    embeddings: EmbeddingsServer
    traces: TracesServer | Jaeger
    gateway_port: int
    opensearch: OpenSearch | None = None
    llm: LanguageModel | None = None
    missing: list[Missing] = field(default_factory=list)

    @property
    def servers(self) -> list[Server]:
        """Every server, in the order of ``septet stack status``."""
        optional = (self.opensearch, self.traces, self.embeddings, self.llm)
        return [self.kafka, self.postgres, *(server for server in optional if server is not None)]

    def addresses(self) -> Addresses:
        """Addresses and credentials. Call it after ``prepare`` of the servers, which generates the credentials."""
        s, otlp = self.settings, self.traces
        return Addresses(
            kafka=f"{LOOPBACK}:{self.kafka.port}",
            postgres_dsn=self.postgres.dsn,
            postgres_dsns=self.postgres.dsns(),
            embeddings_url=f"http://{LOOPBACK}:{self.embeddings.port}/v1",
            llm_url=f"http://{LOOPBACK}:{self.llm.port}/v1" if self.llm else s.llm_url or "",
            otlp_endpoint=f"http://{LOOPBACK}:{otlp.otlp_port if isinstance(otlp, Jaeger) else otlp.port}",
            traces_url=f"http://{LOOPBACK}:{otlp.port}",
            data_dir=str(s.places().data),
            embeddings_model=s.embeddings_model,
            llm_model=s.llm_model or "septet-small",
            stack=s.stack,
            kafka_protocol="SASL_SSL" if self.kafka.secured else "PLAINTEXT",
            kafka_ca_file=str(self.kafka.ca_file or ""),
            kafka_passwords=self.kafka.credentials,
            sealing_keys=sealing_keys(s.places().data / "sealing"),
            opensearch_url=self.opensearch.url if self.opensearch else "",
            gateway_port=self.gateway_port,
            gateway_secret=password(s.places().data / "gateway" / KEY_SECRET_FILE),
            # The gateway inherits this variable.
            gateway_scheme="https" if os.environ.get("SEPTET_GATEWAY_TLS_CERTIFICATE") else "http",
        )


def compose(settings: StackSettings, port: ChoosePort) -> Composition:
    """The servers that *settings* select.

    Args:
        settings: of the stack.
        port: chooses the port of a server by its name and preferred port.
    """
    s, places = settings, settings.places()
    native = s.stack == "native"
    made = Composition(
        settings=s,
        kafka=Kafka(
            places,
            port("kafka", s.kafka_port),
            port("kafka", s.kafka_controller_port),
            secured=native,
            tenants=Tenants.load(s.tenants_file),
        ),
        postgres=Postgres(places, port("postgres", s.postgres_port)),
        embeddings=EmbeddingsServer(
            places, port("embeddings", s.embeddings_port), s.threads, MODELS[s.embeddings_model]
        ),
        traces=TracesServer(places, port("traces", s.traces_port), s.max_traces),
        gateway_port=port("gateway", s.gateway_port),
    )
    if s.llm and not s.llm_url:
        made.llm = LanguageModel(places, port("llm", s.llm_port), s.llm_slots, s.llm_context, s.threads)
    if native and s.opensearch:
        _add_opensearch(made, places, port)
    if native and s.jaeger:
        _add_jaeger(made, places, port)
    return made


def _add_opensearch(made: Composition, places: Places, port: ChoosePort) -> None:
    s = made.settings
    try:
        jdk = find_jdk(pinned("opensearch")["java"])
    except ToolMissing as error:
        instead = "retrieval uses its own lexical index (tantivy)"
        made.missing.append(Missing("opensearch", error.message, error.fix, instead))
        return
    ports = (port("opensearch", s.opensearch_port), port("opensearch", s.opensearch_transport_port))
    made.opensearch = OpenSearch(places, *ports, jdk, s.opensearch_heap_mb)


def _add_jaeger(made: Composition, places: Places, port: ChoosePort) -> None:
    s = made.settings
    try:
        if jaeger_build.available(places.cache) is None:
            jaeger_build.find_compiler()
    except ToolMissing as error:
        instead = "the embedded trace receiver receives the traces"
        made.missing.append(Missing("jaeger", error.message, error.fix, instead))
        return
    ports = (port("jaeger", s.jaeger_grpc_port), port("jaeger", s.jaeger_health_port))
    made.traces = Jaeger(places, port("jaeger", s.jaeger_port), made.traces.port, *ports, s.max_traces)

"""Which servers make up a stack.

``embedded`` needs nothing but Python packages. ``native`` runs the servers of production: Kafka with users and
ACLs, OpenSearch, PostgreSQL and Jaeger; where the machine lacks the JDK or Go that one of them needs, the embedded
stack's part takes its place, and the composition says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from septet_kit.tenants import Tenants

from septet_native import jaeger_build
from septet_native.addresses import Addresses
from septet_native.errors import ToolMissing
from septet_native.jaeger import Jaeger
from septet_native.jdk import find_jdk
from septet_native.kafka import Kafka
from septet_native.models import EmbeddingsServer, LanguageModel, TracesServer
from septet_native.opensearch import OpenSearch
from septet_native.ports import LOOPBACK
from septet_native.postgres import Postgres
from septet_native.server import Places, Server
from septet_native.settings import StackSettings
from septet_native.state import Missing
from septet_native.versions import pinned

ChoosePort = Callable[[str, int], int]


@dataclass
class Composition:
    """The servers of one stack.

    Attributes:
        kafka, postgres, embeddings: servers of every stack.
        traces: takes and shows traces.
        opensearch: None where retrieval uses its own lexical index.
        llm: None where another endpoint is used, or no model at all.
        missing: what the machine lacks.
    """

    settings: StackSettings
    kafka: Kafka
    postgres: Postgres
    embeddings: EmbeddingsServer
    traces: TracesServer | Jaeger
    opensearch: OpenSearch | None = None
    llm: LanguageModel | None = None
    missing: list[Missing] = field(default_factory=list)

    @property
    def servers(self) -> list[Server]:
        """Every server, in the order of the status."""
        optional = (self.opensearch, self.traces, self.embeddings, self.llm)
        return [self.kafka, self.postgres, *(server for server in optional if server is not None)]

    def addresses(self) -> Addresses:
        """Where they listen. Call it once they are prepared: credentials are made then."""
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
            llm_model=s.llm_model or "septet-small",
            stack=s.stack,
            kafka_protocol="SASL_SSL" if self.kafka.secured else "PLAINTEXT",
            kafka_ca_file=str(self.kafka.ca_file or ""),
            kafka_passwords=self.kafka.credentials,
            opensearch_url=self.opensearch.url if self.opensearch else "",
        )


def compose(settings: StackSettings, port: ChoosePort) -> Composition:
    """The servers that *settings* ask for.

    Args:
        settings: of the stack.
        port: gives the named server a port, the wanted one where it is free.
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
        embeddings=EmbeddingsServer(places, port("embeddings", s.embeddings_port), s.threads),
        traces=TracesServer(places, port("traces", s.traces_port), s.max_traces),
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
            jaeger_build.find_go()
    except ToolMissing as error:
        instead = "the small trace receiver takes the traces"
        made.missing.append(Missing("jaeger", error.message, error.fix, instead))
        return
    ports = (port("jaeger", s.jaeger_grpc_port), port("jaeger", s.jaeger_health_port))
    made.traces = Jaeger(places, port("jaeger", s.jaeger_port), made.traces.port, *ports, s.max_traces)

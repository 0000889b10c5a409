"""Addresses and credentials of the servers of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from septet_contracts import HTTP_SERVICES

if TYPE_CHECKING:
    from septet_kit.messaging.connection import KafkaConnection


@dataclass(frozen=True)
class Addresses:
    """Addresses and credentials of one stack.

    Attributes:
        kafka: bootstrap server, ``host:port``.
        postgres_dsn: ``postgresql://user:password@host:port/septet`` as the owner of the schemas.
        embeddings_url, llm_url: base URLs of OpenAI-compatible APIs, ending in ``/v1``.
        embeddings_model, llm_model: the models' names there.
        otlp_endpoint: base URL that receives OTLP over HTTP at ``/v1/traces``.
        traces_url: base URL of the trace page and the query API.
        data_dir: the data directory, absolute.
        stack: ``embedded`` or ``native``.
        kafka_protocol: ``PLAINTEXT``, or ``SASL_SSL`` with users and ACLs.
        kafka_ca_file: certificate of the broker's authority; empty without TLS.
        kafka_passwords: password by principal; empty without users.
        postgres_dsns: DSN by service, each with its own role.
        sealing_keys: variables with keys by service.
        opensearch_url: empty when retrieval uses its own lexical index.
        gateway_port: port of the gateway's API on loopback.
        gateway_secret: secret of the hashes of its API keys.
        gateway_scheme: ``https`` if the gateway has a certificate.
    """

    kafka: str
    postgres_dsn: str = field(repr=False)
    embeddings_url: str
    llm_url: str
    otlp_endpoint: str
    traces_url: str
    data_dir: str
    embeddings_model: str = "multilingual-e5-small"
    llm_model: str = "septet-small"
    stack: str = "embedded"
    kafka_protocol: str = "PLAINTEXT"
    kafka_ca_file: str = ""
    kafka_passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    postgres_dsns: Mapping[str, str] = field(default_factory=dict, repr=False)
    sealing_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    opensearch_url: str = ""
    gateway_port: int = 0
    gateway_secret: str = field(default="", repr=False)
    gateway_scheme: str = "http"

    @property
    def gateway_url(self) -> str:
        """Base URL of the gateway's OpenAI-compatible API."""
        return f"{self.gateway_scheme}://127.0.0.1:{self.gateway_port}/v1"

    def connection(self, principal: str = "operator") -> KafkaConnection:
        """Connection settings of *principal*; the same for every principal when the broker has no users.

        Raises:
            KeyError: the broker has users, and *principal* is not one of them.
        """
        from septet_kit.messaging.connection import KafkaConnection

        if self.kafka_protocol == "PLAINTEXT":
            return KafkaConnection(self.kafka)
        password = self.kafka_passwords[principal]
        ca_file = Path(self.kafka_ca_file)
        return KafkaConnection(self.kafka, "SASL_SSL", principal, password, ca_file)

    def environment(self, service: str | None = None) -> dict[str, str]:
        """Environment variables of *service*: the addresses, and the credentials of this service only.

        Args:
            service: a service of this project. Another program, or None, gets no credentials when the servers
                have users.
        """
        variables = {
            "SEPTET_EMBEDDINGS_URL": self.embeddings_url,
            "SEPTET_EMBEDDINGS_MODEL": self.embeddings_model,
            "SEPTET_LLM_URL": self.llm_url,
            "SEPTET_LLM_MODEL": self.llm_model,
            "SEPTET_OTLP_ENDPOINT": self.otlp_endpoint,
            "SEPTET_TRACES_URL": self.traces_url,
            "SEPTET_DATA_DIR": self.data_dir,
            **self.kafka_environment(service),
            **self.sealing_keys.get(service or "", {}),
        }
        if not self.postgres_dsns:
            variables["SEPTET_POSTGRES_DSN"] = self.postgres_dsn
        elif service is not None and service in self.postgres_dsns:
            variables["SEPTET_POSTGRES_DSN"] = self.postgres_dsns[service]
        if service == "retrieval" and self.opensearch_url:
            variables["SEPTET_OPENSEARCH_URL"] = self.opensearch_url
        if service in HTTP_SERVICES:
            variables["SEPTET_GATEWAY_PORT"] = str(self.gateway_port)
            variables["SEPTET_GATEWAY_KEY_SECRET"] = self.gateway_secret
        return variables

    def kafka_environment(self, principal: str | None) -> dict[str, str]:
        """Environment variables of the connection to Kafka as *principal*."""
        variables = {"SEPTET_KAFKA_BOOTSTRAP": self.kafka, "SEPTET_KAFKA_PROTOCOL": self.kafka_protocol}
        if self.kafka_protocol != "PLAINTEXT":
            variables["SEPTET_KAFKA_CA_FILE"] = self.kafka_ca_file
        if principal is not None and principal in self.kafka_passwords:
            variables["SEPTET_KAFKA_USERNAME"] = principal
            variables["SEPTET_KAFKA_PASSWORD"] = self.kafka_passwords[principal]
        return variables

"""Settings of the command line: where it finds the stack."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.messaging.connection import KafkaConnection, Mechanism, Protocol
from septet_kit.settings import FileSettings


class CliSettings(FileSettings):
    """Settings of the command (environment prefix ``SEPTET_``).

    Attributes:
        data_dir: data directory of the local stack; its ``state.json`` holds the addresses.
        kafka_bootstrap: address of another Kafka; overrides ``state.json``.
        kafka_protocol: security protocol of that Kafka.
        kafka_username, kafka_password: credentials for that Kafka.
        kafka_ca_file: PEM file of the certificate authority of that Kafka.
        kafka_mechanism: SASL mechanism.
        kafka_principal: Kafka user of the commands on a local stack with users.
        traces_url: base URL of a trace query API (embedded or Jaeger).
        tenant: tenant of requests, documents and feedback.
        tenants_file: tenants file of the services; lists the tenants with their own topics.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    data_dir: Path = Path(".septet")
    kafka_bootstrap: str | None = None
    kafka_protocol: Protocol = "PLAINTEXT"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_principal: str = "operator"
    traces_url: str | None = None
    tenant: str = "default"
    tenants_file: Path | None = None

    def kafka(self) -> KafkaConnection:
        """Connection to the Kafka of ``kafka_bootstrap``."""
        return KafkaConnection(
            self.kafka_bootstrap or "127.0.0.1:9092",
            self.kafka_protocol,
            self.kafka_username,
            self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
            self.kafka_mechanism,
        )

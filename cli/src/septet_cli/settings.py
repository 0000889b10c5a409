"""Where the command finds the stack."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.messaging.connection import KafkaConnection, Mechanism, Protocol
from septet_kit.settings import FileSettings


class CliSettings(FileSettings):
    """Settings of the command (environment prefix ``SEPTET_``).

    Attributes:
        data_dir: data directory of the embedded stack; its ``state.json`` names the addresses.
        kafka_bootstrap: address of a Kafka that is not the embedded one; overrides ``state.json``.
        kafka_protocol: its security protocol.
        kafka_username, kafka_password: credentials there.
        kafka_ca_file: PEM file of the authority that signed its certificates.
        kafka_mechanism: SASL mechanism.
        kafka_principal: whom the commands act as on a stack of this machine that has users.
        traces_url: base address of a trace query API (embedded or Jaeger).
        tenant: tenant on whose behalf requests are made.
        tenants_file: the tenants file of the services, which says who has own topics.
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
        """The connection that the variables describe."""
        return KafkaConnection(
            self.kafka_bootstrap or "127.0.0.1:9092",
            self.kafka_protocol,
            self.kafka_username,
            self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
            self.kafka_mechanism,
        )

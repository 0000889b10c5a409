"""How the client connects to Kafka."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from septet_client.errors import InvalidInput

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
Compression: TypeAlias = Literal["gzip", "snappy", "lz4", "zstd"]

PREFIX = "SEPTET_KAFKA_"


@dataclass(frozen=True)
class Connection:
    """Address and credentials.

    Attributes:
        bootstrap: ``host:port``, several of them separated by commas.
        protocol: Kafka's security protocol.
        username, password: credentials of the SASL protocols.
        ca_file: PEM file with the certificate authority of the brokers; the system's ones if absent.
        mechanism: SASL mechanism.
    """

    bootstrap: str = "127.0.0.1:9092"
    protocol: Protocol = "PLAINTEXT"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Connection:
        """The connection of ``SEPTET_KAFKA_BOOTSTRAP``, ``_PROTOCOL``, ``_USERNAME``, ``_PASSWORD``, ``_CA_FILE``, ``_MECHANISM``."""
        variables = os.environ if environment is None else environment
        names = ("bootstrap", "protocol", "username", "password", "mechanism")
        given: dict[str, Any] = {
            name: value for name in names if (value := variables.get(PREFIX + name.upper()))
        }
        if path := variables.get(f"{PREFIX}CA_FILE"):
            given["ca_file"] = Path(path)
        return cls(**given)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def authenticated(self) -> bool:
        """Whether the client authenticates."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context; ``None`` without encryption.

        Raises:
            InvalidInput: ``ca_file`` cannot be read.
        """
        if not self.encrypted:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise InvalidInput(
                f"the CA file {self.ca_file} cannot be read: {error}", field="ca_file"
            ) from error

    def options(self) -> dict[str, Any]:
        """Keyword arguments of every aiokafka client.

        Raises:
            InvalidInput: the credentials are incomplete, or ``ca_file`` cannot be read.
        """
        if self.authenticated and not (self.username and self.password):
            missing = "password" if self.username else "username"
            raise InvalidInput(f"{self.protocol} needs a {missing}", field=missing)
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protocol}
        if (context := self.ssl_context()) is not None:
            options["ssl_context"] = context
        if self.authenticated:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options


def as_connection(kafka: Connection | str | None) -> Connection:
    """A connection, that of an address without users and encryption, or that of the environment."""
    if kafka is None:
        return Connection.from_environment()
    return Connection(kafka) if isinstance(kafka, str) else kafka

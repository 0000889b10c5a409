"""How a client connects to Kafka: address, encryption and credentials."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from septet_kit.errors import Permanent

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True)
class KafkaConnection:
    """Address and credentials of one principal.

    Attributes:
        bootstrap: ``host:port``, several of them separated by commas.
        protocol: Kafka's security protocol.
        username, password: credentials of the SASL protocols.
        ca_file: PEM file with the certificate authority of the brokers; the system's ones if absent.
        mechanism: SASL mechanism.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"

    @classmethod
    def of(cls, where: Kafka) -> KafkaConnection:
        """*where* itself, or a plaintext connection to an address."""
        return cls(where) if isinstance(where, str) else where

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def authenticated(self) -> bool:
        """Whether the client authenticates."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def options(self) -> dict[str, Any]:
        """Keyword arguments of every aiokafka client.

        Raises:
            Permanent: the settings contradict each other, or ``ca_file`` cannot be read (code ``invalid_kafka_settings``).
        """
        self._check()
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protocol}
        if self.encrypted:
            options["ssl_context"] = self._context()
        if self.authenticated:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def librdkafka(self) -> dict[str, str]:
        """The same for clients on librdkafka.

        Raises:
            Permanent: as :meth:`options`.
        """
        self._check()
        options = {"bootstrap.servers": self.bootstrap, "security.protocol": self.protocol}
        if self.encrypted and self.ca_file is not None:
            options["ssl.ca.location"] = str(self.ca_file)
        if self.authenticated:
            options |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        return options

    def _check(self) -> None:
        if self.authenticated and not (self.username and self.password):
            missing = "password" if self.username else "username"
            raise Permanent(
                "invalid_kafka_settings",
                f"{self.protocol} needs a {missing}",
                field=f"SEPTET_KAFKA_{missing.upper()}",
                fix=f"set SEPTET_KAFKA_{missing.upper()}, or put it into the file "
                f"septet_kafka_{missing} of SEPTET_SECRETS_DIR",
            )

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise Permanent(
                "invalid_kafka_settings",
                f"the certificate authority {self.ca_file} cannot be read: {error}",
                field="SEPTET_KAFKA_CA_FILE",
                fix="set SEPTET_KAFKA_CA_FILE to the PEM file of the authority that signed the brokers' certificates",
            ) from error
        context.sslobject_class = _UnansweredClose
        return context


class _UnansweredClose(ssl.SSLObject):
    """TLS that closes without waiting for the peer's ``close_notify``, as RFC 8446 (6.1) allows.

    A broker that reads a request and a ``close_notify`` at once answers the request only: its selector then has nothing
    left to read. A close would wait for the 30 s of the event loop's timeout.
    """

    def unwrap(self) -> None:
        """Send ``close_notify``."""
        with suppress(ssl.SSLWantReadError):
            super().unwrap()


Kafka: TypeAlias = KafkaConnection | str
"""A connection, or the address of a broker without encryption and users."""

"""How the client connects to Kafka."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

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
        protocol: Kafka's security protocol, in any case.
        username, password: credentials of the SASL protocols.
        ca_file: PEM file with the certificate authority of the brokers; the system's ones if absent.
        mechanism: SASL mechanism, in any case.
    """

    bootstrap: str = "127.0.0.1:9092"
    protocol: Protocol = "PLAINTEXT"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"

    def __post_init__(self) -> None:
        """Spell protocol and mechanism as Kafka's clients do."""
        object.__setattr__(self, "protocol", self.protocol.upper())
        object.__setattr__(self, "mechanism", self.mechanism.upper())

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
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise InvalidInput(
                f"the CA file {self.ca_file} cannot be read: {error}", field="ca_file"
            ) from error
        context.sslobject_class = _UnansweredClose
        return context

    def options(self) -> dict[str, Any]:
        """Keyword arguments of every aiokafka client.

        Raises:
            InvalidInput: a setting has no valid value, the credentials are incomplete, or ``ca_file`` cannot be read.
        """
        self._check()
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

    def _check(self) -> None:
        _check_choice("protocol", self.protocol, get_args(Protocol))
        _check_choice("mechanism", self.mechanism, get_args(Mechanism))
        if wrong := [address for address in self.bootstrap.split(",") if not _is_address(address.strip())]:
            raise InvalidInput(
                f"{_setting('bootstrap')} has {wrong[0]!r}: give `host:port`, several of them separated by commas",
                field="bootstrap",
            )
        if self.authenticated and not (self.username and self.password):
            missing = "password" if self.username else "username"
            raise InvalidInput(f"{self.protocol} needs a {missing}: give {_setting(missing)}", field=missing)


class _UnansweredClose(ssl.SSLObject):
    """TLS that closes without waiting for the broker's ``close_notify``, which may not come.

    The same as in the kit's connection, which the client does not import. A shared place would be the contracts, which
    know no network.
    """

    def unwrap(self) -> None:
        """Send ``close_notify``."""
        with suppress(ssl.SSLWantReadError):
            super().unwrap()


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInput(f"{_setting(name)} is {value!r}: choose one of {', '.join(choices)}", field=name)


def _setting(name: str) -> str:
    return f"`{name}` ({PREFIX}{name.upper()})"


def _is_address(address: str) -> bool:
    """Whether an address is ``host:port``, or a host with Kafka's default port."""
    try:
        parts = urlsplit(f"//{address}")
        return bool(parts.hostname) and parts.port != 0 and parts.netloc == address and "@" not in address
    except ValueError:
        return False


def as_connection(kafka: Connection | str | None) -> Connection:
    """A connection, that of an address without users and encryption, or that of the environment."""
    if kafka is None:
        return Connection.from_environment()
    return Connection(kafka) if isinstance(kafka, str) else kafka

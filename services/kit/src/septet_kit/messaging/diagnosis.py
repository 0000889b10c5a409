"""Find out why Kafka cannot be reached; client libraries only report that they could not connect."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.messaging.connection import Kafka, KafkaConnection

_TIMEOUT_MS = 5_000


async def diagnose(kafka: Kafka) -> SeptetError:
    """Connect once to each address; returns the error with the setting that fixes it.

    Returns:
        ``Permanent`` for wrong credentials, certificates and protocols, ``Transient`` for a broker that does not
        answer, also if the connection succeeds now.
    """
    connection = KafkaConnection.of(kafka)
    try:
        options = connection.options()
    except Permanent as error:
        return error
    found: SeptetError = _absent(connection, "no address was given")
    for host, port, _ in collect_hosts(options.pop("bootstrap_servers")):
        try:
            await _try(host, port, options)
        except (OSError, KafkaError, TimeoutError) as error:
            found = _explain(connection, error)
        else:
            return _absent(connection, "it answers now")
    return found


async def _try(host: str, port: int, options: dict[str, Any]) -> None:
    opened = await create_conn(host, port, request_timeout_ms=_TIMEOUT_MS, **options)
    try:
        # A listener with SASL answers the version request of an unauthenticated client, and closes the next one.
        await opened.send(MetadataRequest([]))
    finally:
        opened.close()


def _explain(connection: KafkaConnection, error: Exception) -> SeptetError:
    where = connection.bootstrap
    if isinstance(error, SaslAuthenticationFailed):
        return Permanent(
            "kafka_credentials_refused",
            f"Kafka at {where} refuses the password of {connection.username!r}",
            field="SEPTET_KAFKA_PASSWORD",
            fix="set SEPTET_KAFKA_USERNAME and SEPTET_KAFKA_PASSWORD to a user of this cluster; "
            "`septet kafka apply --users DIR` writes users",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return Permanent(
            "kafka_certificate_untrusted",
            f"the certificate of Kafka at {where} is not trusted: {error.verify_message}",
            field="SEPTET_KAFKA_CA_FILE",
            fix="set SEPTET_KAFKA_CA_FILE to the PEM file of the authority that signed it",
        )
    wrong = (ssl.SSLError, UnsupportedSaslMechanismError, IllegalSaslStateError, ConnectionResetError)
    if isinstance(error, wrong) or _closed_by_peer(error):
        return Permanent(
            "kafka_protocol_mismatch",
            f"Kafka at {where} does not speak {connection.protocol} with {connection.mechanism}: {error}"
            if connection.authenticated
            else f"Kafka at {where} does not speak {connection.protocol}: {error}",
            field="SEPTET_KAFKA_PROTOCOL",
            fix="set SEPTET_KAFKA_PROTOCOL (and SEPTET_KAFKA_MECHANISM) to what this listener takes, "
            "for example SASL_SSL with SCRAM-SHA-512",
        )
    return _absent(connection, str(error) or type(error).__name__)


def forbidden(kafka: Kafka, error: KafkaError) -> Permanent:
    """The error for a principal that lacks an ACL for what the service does."""
    connection = KafkaConnection.of(kafka)
    return Permanent(
        "kafka_forbidden",
        f"Kafka at {connection.bootstrap} does not allow {connection.username or 'anonymous'!r} this: {error}",
        field="SEPTET_KAFKA_USERNAME",
        fix="run the service as its own principal, and write the ACLs with `septet kafka apply`",
    )


def _closed_by_peer(error: Exception) -> bool:
    """Listeners close a connection with the wrong protocol: plaintext on TLS, SASL on one without users."""
    return isinstance(error, KafkaError) and not isinstance(error, asyncio.TimeoutError)


def _absent(connection: KafkaConnection, why: str) -> Transient:
    return Transient(
        "kafka_unreachable",
        f"Kafka at {connection.bootstrap} does not answer: {why}",
        field="SEPTET_KAFKA_BOOTSTRAP",
        fix="start Kafka, or set SEPTET_KAFKA_BOOTSTRAP to its address",
    )

"""The connection: settings, credentials and the trace context of records."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from septet_client import Connection, InvalidInput, Septet, tracing
from septet_client.connection import as_connection
from septet_client.faststream import broker
from septet_native.credentials.certificates import Certificates


def test_the_environment_names_the_connection() -> None:
    variables = {
        "SEPTET_KAFKA_BOOTSTRAP": "kafka:9093",
        "SEPTET_KAFKA_PROTOCOL": "SASL_SSL",
        "SEPTET_KAFKA_USERNAME": "tenant-acme",
        "SEPTET_KAFKA_PASSWORD": "secret",
        "SEPTET_KAFKA_CA_FILE": "ca.pem",
        "SEPTET_KAFKA_MECHANISM": "SCRAM-SHA-256",
    }
    found = Connection.from_environment(variables)
    assert found == Connection(
        "kafka:9093", "SASL_SSL", "tenant-acme", "secret", Path("ca.pem"), "SCRAM-SHA-256"
    )
    assert "secret" not in repr(found)
    assert Connection.from_environment({}) == Connection("127.0.0.1:9092")


def test_an_address_is_a_connection_without_users() -> None:
    assert as_connection("a:1") == Connection("a:1")
    assert as_connection("a:1").options() == {"bootstrap_servers": "a:1", "security_protocol": "PLAINTEXT"}


def test_credentials_and_encryption_become_options() -> None:
    options = Connection("a:1", "SASL_SSL", "u", "p").options()
    assert isinstance(options.pop("ssl_context"), ssl.SSLContext)
    assert options == {
        "bootstrap_servers": "a:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }


@pytest.mark.parametrize(
    ("connection", "field"),
    [
        (Connection("a:1", "SASL_SSL"), "username"),
        (Connection("a:1", "SASL_PLAINTEXT", "u"), "password"),
        (Connection("a:1", "SSL", ca_file=Path("/no/such/ca.pem")), "ca_file"),
    ],
    ids=str,
)
def test_incomplete_settings_are_refused(connection: Connection, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        connection.options()
    assert caught.value.field == field


SETTINGS = [
    ("protocol", "https", "SEPTET_KAFKA_PROTOCOL.*PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
    ("mechanism", "GSSAPI", "SEPTET_KAFKA_MECHANISM.*SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
    *(
        ("bootstrap", address, "SEPTET_KAFKA_BOOTSTRAP.*host:port")
        for address in (
            "localhost:abc",
            "localhost:99999",
            "a:1,",
            ":9092",
            "kafka://a:1",
            "u@a:1",
            "a:0",
            "[::1",
        )
    ),
]


@pytest.mark.parametrize(("name", "value", "named"), SETTINGS, ids=str)
async def test_a_wrong_setting_is_named_with_its_choices(name: str, value: str, named: str) -> None:
    connection = Connection.from_environment({f"SEPTET_KAFKA_{name.upper()}": value})
    with pytest.raises(InvalidInput, match=named) as caught:
        await Septet(connection).__aenter__()
    assert caught.value.field == name
    with pytest.raises(InvalidInput, match=named):
        broker(connection)


@pytest.mark.parametrize(
    "address", ["a", "a:1", "a:1, b:2", "127.0.0.1:9092", "[::1]:9092", "kafka-0.kafka.svc:9092"]
)
def test_an_address_has_a_host_and_may_have_a_port(address: str) -> None:
    assert Connection(address).options()["bootstrap_servers"] == address


async def test_protocol_and_mechanism_may_be_in_lower_case() -> None:
    variables = {"PROTOCOL": "sasl_ssl", "MECHANISM": "scram-sha-256", "USERNAME": "u", "PASSWORD": "p"}
    found = Connection.from_environment({f"SEPTET_KAFKA_{name}": value for name, value in variables.items()})
    options = found.options()
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-256")
    assert "ssl_context" in options
    broker(found)


async def test_a_connection_closes_although_the_broker_does_not_answer_the_close(tmp_path: Path) -> None:
    """The close would wait for 30 s."""
    certificates = Certificates(tmp_path)
    certificates.ensure()
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    listening.load_cert_chain(certificates.server)
    done = threading.Event()

    def serve(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        with listening.wrap_socket(accepted, server_side=True) as connection:
            connection.recv(1)
            done.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(asyncio.to_thread(serve, listener))
        context = Connection(protocol="SSL", ca_file=certificates.authority).ssl_context()
        _, writer = await asyncio.open_connection(*listener.getsockname(), ssl=context)
        writer.write(b"request")
        writer.close()
        try:
            async with asyncio.timeout(5):
                await writer.wait_closed()
        finally:
            done.set()
            await serving


def test_a_record_carries_the_trace_of_the_application() -> None:
    span = NonRecordingSpan(SpanContext(int("1" * 32, 16), int("2" * 16, 16), False, TraceFlags(1)))
    with trace.use_span(span):
        assert tracing.headers() == [
            ("content-type", b"application/json"),
            ("traceparent", f"00-{'1' * 32}-{'2' * 16}-01".encode()),
        ]
    assert tracing.headers() == [("content-type", b"application/json")]


def test_without_opentelemetry_there_is_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "propagate", None)
    assert tracing.headers() == [("content-type", b"application/json")]


@pytest.mark.slow
def test_the_package_needs_neither_services_nor_extras() -> None:
    """In a process of its own, in which the extras cannot be imported."""
    code = """
import sys
sys.modules |= {"opentelemetry": None, "faststream": None}
import septet_client
print([m for m in sys.modules if m.startswith("septet_") and m.split(".")[0] not in ("septet_client", "septet_contracts")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")

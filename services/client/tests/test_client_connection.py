"""The connection: settings, credentials and the trace context of records."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from septet_client import Connection, InvalidInput, tracing
from septet_client.connection import as_connection


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

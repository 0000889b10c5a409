"""Certificates and passwords of a local broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from septet_native.credentials import certificates
from septet_native.credentials.certificates import Certificates
from septet_native.credentials.passwords import kafka_users


def leaf(made: Certificates) -> x509.Certificate:
    """The server's certificate."""
    return x509.load_pem_x509_certificates(made.server.read_bytes())[0]


def test_certificate_has_every_name(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "tls")
    assert made.ensure(("kafka", "127.0.0.1"))
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    leaf(made).verify_directly_issued_by(authority)
    names = leaf(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["kafka"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_only_the_owner_can_read_keys(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "tls")
    made.ensure()
    kafka_users(tmp_path / "users", ["cache"])
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 5
    assert {p.stat().st_mode & 0o077 for p in files} == {0}


def test_valid_certificate_is_kept_until_a_name_is_added(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    made.ensure(("kafka",))
    first, authority = leaf(made), made.authority.read_bytes()
    assert not made.ensure(("kafka",))
    assert leaf(made) == first
    assert made.ensure(("kafka", "broker.example.com"))
    assert leaf(made) != first
    assert made.authority.read_bytes() == authority


def test_certificate_that_is_about_to_expire_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Certificates(tmp_path)
    monkeypatch.setattr(certificates, "SERVER_LIFE", certificates.RENEW_BEFORE / 2)
    made.ensure()
    monkeypatch.undo()
    assert made.ensure()
    assert not made.ensure()


def test_passwords_are_generated_once_and_differ(tmp_path: Path) -> None:
    first = kafka_users(tmp_path, ["cache", "eval"])
    assert first["cache"] != first["eval"]
    assert kafka_users(tmp_path, ["cache", "eval"]) == first
    assert (tmp_path / "cache" / "septet_kafka_username").read_text() == "cache"

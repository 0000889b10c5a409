"""Settings from files, and what they make of Kafka's connection."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from septet_kit import KitSettings, Permanent
from septet_kit.messaging.connection import KafkaConnection


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "septet_kafka_password").write_text("비밀-from-a-file\n", encoding="utf-8")
    (tmp_path / "septet_llm_api_key").write_text("key")
    monkeypatch.setenv("SEPTET_SECRETS_DIR", str(tmp_path))
    settings = KitSettings()
    assert settings.kafka_password.get_secret_value() == "비밀-from-a-file"
    assert settings.llm_api_key.get_secret_value() == "key"


def test_a_variable_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "septet_kafka_password").write_text("file")
    monkeypatch.setenv("SEPTET_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("SEPTET_KAFKA_PASSWORD", "variable")
    assert KitSettings().kafka_password.get_secret_value() == "variable"


def test_a_missing_directory_of_secrets_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_SECRETS_DIR", str(tmp_path / "absent"))
    with pytest.raises(Permanent) as refused:
        KitSettings()
    assert (refused.value.code, refused.value.field) == ("secrets_dir_missing", "SEPTET_SECRETS_DIR")


def test_the_password_is_not_shown() -> None:
    connection = KafkaConnection("h:1", "SASL_SSL", "cache", "s3cret")
    assert "s3cret" not in repr(connection)
    assert "s3cret" not in repr(KitSettings(kafka_password="s3cret"))  # type: ignore[arg-type]


def test_plaintext_says_nothing_about_users() -> None:
    assert KafkaConnection.of("h:1").options() == {
        "bootstrap_servers": "h:1",
        "security_protocol": "PLAINTEXT",
    }


def test_a_user_and_an_authority_reach_both_client_libraries(tmp_path: Path) -> None:
    from septet_native.credentials.certificates import Certificates

    certificates = Certificates(tmp_path)
    certificates.ensure()
    connection = KafkaConnection("h:1", "SASL_SSL", "cache", "pw", certificates.authority)
    options = connection.options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert connection.librdkafka()["ssl.ca.location"] == str(certificates.authority)

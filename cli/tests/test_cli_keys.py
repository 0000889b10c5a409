"""``septet keys``, and how `septet up` introduces the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from septet_cli.keys import KeyStore, introduction
from septet_cli.main import app
from septet_native.stack.addresses import Addresses
from typer.testing import CliRunner

runner = CliRunner()


@pytest.fixture(autouse=True)
def no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("SEPTET_GATEWAY_KEY_SECRET", raising=False)


@pytest.mark.parametrize("arguments", [["create"], ["list"], ["revoke", "0123456789abcdef"]])
def test_without_a_stack_the_settings_are_named(arguments: list[str]) -> None:
    done = runner.invoke(app, ["keys", *arguments])
    assert done.exit_code == 1
    assert "SEPTET_GATEWAY_KEY_SECRET" in done.output


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_GATEWAY_KEY_SECRET", "short")
    done = runner.invoke(app, ["keys", "list"])
    assert done.exit_code == 1
    assert "32" in done.output


@pytest.mark.parametrize(
    ("arguments", "named"), [(["--scope", "write"], "operate"), (["--tenant", "nobody"], "default")]
)
def test_an_unknown_scope_or_tenant_is_refused_with_the_known_ones(arguments: list[str], named: str) -> None:
    done = runner.invoke(app, ["keys", "create", *arguments])
    assert done.exit_code == 1
    assert named in done.output


def test_a_key_gets_its_limit_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Table:
        async def create(self, *arguments: Any) -> str:
            made.append(arguments)
            return "sk-septet-1-2"

    @asynccontextmanager
    async def opened() -> AsyncIterator[KeyStore]:
        yield KeyStore(Table(), b"s" * 32)  # type: ignore[arg-type]

    monkeypatch.setattr("septet_cli.keys.open_keys", opened)
    for arguments in (["--streams", "3"], []):
        assert runner.invoke(app, ["keys", "create", *arguments]).output == "sk-septet-1-2\n"
    assert [arguments[-1] for arguments in made] == [3, None]
    assert runner.invoke(app, ["keys", "create", "--streams", "0"]).exit_code == 2


def test_the_introduction_shows_a_new_key_and_a_command() -> None:
    text = introduction("http://127.0.0.1:8100/v1", "sk-septet-1-2")
    assert text.count("sk-septet-1-2") == 2
    assert "curl http://127.0.0.1:8100/v1/chat/completions" in text
    assert "septet keys create" in introduction("http://127.0.0.1:8100/v1", None)


def test_only_the_gateway_gets_the_secret_of_the_keys() -> None:
    addresses = Addresses("k", "d", "e", "l", "o", "t", "/data", gateway_port=8100, gateway_secret="s" * 32)
    assert addresses.gateway_url == "http://127.0.0.1:8100/v1"
    assert replace(addresses, gateway_scheme="https").gateway_url == "https://127.0.0.1:8100/v1"
    assert addresses.environment("gateway")["SEPTET_GATEWAY_KEY_SECRET"] == "s" * 32
    for service in ("eval", None):
        assert not [name for name in addresses.environment(service) if "GATEWAY" in name]
    assert "s" * 32 not in repr(addresses)

"""How an endpoint is reached."""

from __future__ import annotations

import pytest
from septet_kit.openai_http import proxy_of

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)


def test_without_a_proxy_it_is_reached_directly() -> None:
    assert proxy_of("https://models.example/v1") is None


def test_the_environments_proxy_is_used_for_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_of("https://models.example/v1") == PROXY
    assert proxy_of("http://models.example/v1") is None


def test_some_hosts_are_reached_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "localhost,.internal")
    assert proxy_of("http://models.internal/v1") is None
    assert proxy_of("http://localhost:8080/v1") is None
    assert proxy_of("http://models.example/v1") == PROXY


def test_a_proxy_of_another_kind_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example:1080")
    assert proxy_of("http://models.example/v1") is None

"""Which services a stack starts."""

from __future__ import annotations

import pytest
from septet_contracts import HTTP_SERVICES
from septet_contracts import SERVICES as STAGES
from septet_native.services import ALL_SERVICES, OPTIONAL_SERVICES, SERVICES, default_services


def test_every_service_of_the_contracts_is_known() -> None:
    assert (*STAGES, *HTTP_SERVICES) == ALL_SERVICES


@pytest.mark.parametrize("value", [None, ""])
def test_the_judge_is_left_out_without_an_address(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEPTET_JUDGE_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("SEPTET_JUDGE_URL", value)
    assert default_services() == (*SERVICES, *HTTP_SERVICES)
    assert not set(OPTIONAL_SERVICES) & set(SERVICES)


def test_the_judge_runs_with_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_JUDGE_URL", "http://judge:1/v1")
    assert default_services() == ALL_SERVICES

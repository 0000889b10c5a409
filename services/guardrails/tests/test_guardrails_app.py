"""The service's declaration and its wiring agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from septet_guardrails.app import SPEC, wire
from septet_guardrails.domain.errors import InvalidPolicy
from septet_kit import Kit, KitSettings


@asynccontextmanager
async def kit() -> AsyncIterator[Kit]:
    """A kit whose publisher never connects."""
    made = Kit(SPEC, KitSettings())
    yield made
    await made.publisher.stop()


async def test_wires_what_it_declares() -> None:
    async with kit() as made, wire(made) as wiring:
        assert {stage.topic for stage in wiring.stages} == set(SPEC.consumes)


async def test_a_bad_policy_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.yaml").write_text("input: {colour: {}}")
    monkeypatch.setenv("SEPTET_GUARDRAILS_POLICIES_DIR", str(tmp_path))
    async with kit() as made:
        with pytest.raises(InvalidPolicy, match=r"own\.yaml"):
            await wire(made).__aenter__()

"""The wiring of the service."""

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
    """A kit with a publisher that never connects."""
    made = Kit(SPEC, KitSettings())
    yield made
    await made.publisher.stop()


async def test_wiring_has_a_stage_for_every_consumed_topic() -> None:
    async with kit() as made, wire(made) as wiring:
        assert {stage.topic for stage in wiring.stages} == set(SPEC.consumes)


async def test_invalid_policy_fails_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.yaml").write_text("input: {colour: {}}")
    monkeypatch.setenv("SEPTET_GUARDRAILS_POLICIES_DIR", str(tmp_path))
    async with kit() as made:
        with pytest.raises(InvalidPolicy, match=r"own\.yaml"):
            await wire(made).__aenter__()

"""Unit tests of guardrails: rails, policies and corrections, with the real models."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.entailment import EntailmentServer, serve_entailment


@pytest.fixture
async def entailment() -> AsyncIterator[EntailmentServer]:
    """A scripted entailment model."""
    async with serve_entailment() as server:
        yield server

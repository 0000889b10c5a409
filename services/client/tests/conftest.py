"""Unit tests of the client: its logic on a log in memory, and its adapters on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from septet_client import Septet

from .support import MemoryLog


@pytest.fixture
def log() -> MemoryLog:
    """A log whose requests are answered at once."""
    return MemoryLog()


@pytest.fixture
async def septet(log: MemoryLog) -> AsyncIterator[Septet]:
    """A client of that log."""
    async with Septet(log=log) as opened:
        yield opened

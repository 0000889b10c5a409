"""Fast tests of readers, with files that the tests make."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from septet_readers import Limits, Readers


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(Limits(seconds=30)) as made:
        yield made

"""Unit tests of judge: its domain, its handler, and its budget on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.database import Database

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of judge."""
    return await Database.migrated(postgres_server, "judge")

"""Unit tests of the gateway: its HTTP API on a log in memory, and its adapters on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from septet_native.credentials.certificates import Certificates
from starlette.testclient import TestClient

from tests.support.database import Database

from .conformance import check
from .support import KEYS, World

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

OpenApi = Callable[..., TestClient]


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of the gateway."""
    return await Database.migrated(postgres_server, "gateway")


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """A certificate for 127.0.0.1, and the authority that signed it."""
    made = Certificates(tmp_path)
    made.ensure()
    return made


@pytest.fixture
def world() -> World:
    """The ports of the gateway, in memory."""
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """A client with a valid key."""
    with open_client(world) as opened:
        yield opened


def open_client(world: World, key: str = KEYS["ask"], **settings: Any) -> TestClient:
    """A client of the API with these settings. It compares each answer with the OpenAPI document."""
    client = TestClient(
        world.app(**settings), headers={"authorization": f"Bearer {key}"}, raise_server_exceptions=False
    )
    client.event_hooks = {"response": [check]}
    return client

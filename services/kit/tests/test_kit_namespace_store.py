"""Schemas of a namespace on a real server: apart from the live ones, with the services' own roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from septet_kit import KitSettings, Permanent, ServiceSpec, Transient
from septet_kit.access import namespaces
from septet_kit.migrate import installed, migrate
from septet_kit.namespace import LIVE, Namespace
from septet_kit.service import Kit
from septet_kit.store.instance_lock import InstanceLock
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.store.tenancy import ALL_TENANTS

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

SERVICES = ("cache", "eval", "generation", "retrieval")
_ROW = "INSERT INTO ledger (key, claimed_by, leased_until) VALUES ($1, 'a', now())"


def settings_of(server: Postgres, service: str, space: Namespace) -> KitSettings:
    return KitSettings(postgres_dsn=SecretStr(server.dsn_of(service)), namespace=space.name, postgres_pool=2)


@pytest.fixture(scope="session")
async def live(postgres_server: Postgres) -> Postgres:
    """The server, with the live schemas."""
    await migrate(postgres_server.dsn, installed(SERVICES))
    return postgres_server


@pytest.fixture
async def space(live: Postgres) -> AsyncIterator[Namespace]:
    """A namespace with schemas, dropped after the test."""
    made = Namespace(f"replay-{uuid4().hex[:8]}")
    await migrate(live.dsn, installed(SERVICES, made))
    yield made
    await namespaces._drop(live.dsn, await namespaces._schemas(live.dsn, made.prefix))


async def keys(pool: StorePool) -> set[str]:
    return {row["key"] for row in await pool.fetch("SELECT key FROM ledger", tenant=ALL_TENANTS)}


@pytest.mark.parametrize("service", SERVICES)
async def test_rows_of_a_namespace_are_apart_from_the_live_ones(
    live: Postgres, space: Namespace, service: str
) -> None:
    key = uuid4().hex
    async with (
        open_pool(settings_of(live, service, space), service, installed([service])[0].head) as apart,
        open_pool(settings_of(live, service, LIVE), service) as beside,
    ):
        await apart.execute(_ROW, key, tenant="acme")
        assert await keys(apart) == {key}
        assert key not in await keys(beside)
        assert await apart.fetchval("SELECT current_schema()") == f"{space.name}.{service}"


async def test_a_schema_of_a_namespace_without_migrations_is_refused(live: Postgres) -> None:
    with pytest.raises(Permanent, match=r"the schema replay-none\.eval is at revision none") as refused:
        async with open_pool(settings_of(live, "eval", Namespace("replay-none")), "eval", "0001"):
            pass
    assert "SEPTET_NAMESPACE=replay-none python -m septet_kit.migrate eval" in (refused.value.fix or "")


async def test_a_role_reaches_its_own_schema_of_a_namespace_alone(live: Postgres, space: Namespace) -> None:
    connection = await asyncpg.connect(live.dsn_of("eval"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f'SELECT * FROM "{space.name}.generation".ledger')
    finally:
        await connection.close()


async def test_instances_of_two_namespaces_run_side_by_side(live: Postgres, space: Namespace) -> None:
    dsn = live.dsn_of("generation")
    held = []
    for each in (LIVE, space):
        member = settings_of(live, "generation", each).member("generation")
        held.append(InstanceLock(dsn, each.qualify("generation"), member))
    for lock in held:
        assert await lock._try()
    again = InstanceLock(dsn, space.qualify("generation"), f"{space.name}.generation-0")
    assert not await again._try()
    for lock in held:
        await lock.release()


async def test_a_lock_of_the_cache_is_named_by_the_schema(live: Postgres, space: Namespace) -> None:
    from septet_cache.adapters.statements import LOCK_TENANT

    async with (
        open_pool(settings_of(live, "cache", space), "cache") as apart,
        open_pool(settings_of(live, "cache", LIVE), "cache") as beside,
        apart.transaction("acme") as one,
    ):
        await one.execute(LOCK_TENANT, "acme")
        async with beside.transaction("acme", "lock_timeout = '100ms'") as other:
            await other.execute(LOCK_TENANT, "acme")


async def test_the_live_side_is_opened_for_reading_alone(live: Postgres, space: Namespace) -> None:
    kit = Kit(ServiceSpec("retrieval", ("missed",), ()), settings_of(live, "retrieval", space))
    # Its producer was never started, so there is nothing to stop.
    kit.publisher._client._closed = True
    async with kit.open_live_pool("retrieval", installed(["retrieval"])[0].head) as pool:
        assert await pool.fetchval("SELECT current_schema()") == "retrieval"
        with pytest.raises(Transient, match="ReadOnlySQLTransactionError"):
            await pool.execute(_ROW, "k", tenant="acme")
    assert (kit.pools, kit.locks) == ([], [])


async def test_schemas_of_a_namespace_are_found_and_dropped(live: Postgres) -> None:
    made = Namespace(f"replay-{uuid4().hex[:8]}")
    await migrate(live.dsn, installed(["eval"], made))
    assert await namespaces._schemas(live.dsn, "replay-") == [f"{made.name}.eval"]
    await namespaces._drop(live.dsn, [f"{made.name}.eval"])
    assert await namespaces._schemas(live.dsn, "replay-") == []
    assert await namespaces._schemas(live.dsn, "eval") == ["eval"]

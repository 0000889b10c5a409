"""Roles and row-level security, as the stack sets them up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from pydantic import SecretStr
from septet_kit import KitSettings, Transient
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_native.stack.addresses import Addresses

SERVICES = ("cache", "retrieval", "generation", "eval", "feedback", "judge", "gateway")
REFUSED = asyncpg.InsufficientPrivilegeError
# A table with tenants in each schema, and how a row is made.
ROWS = {
    "cache": "INSERT INTO documents (tenant, document_id, changed_at) VALUES ($1, 'd-rls', now())",
    "retrieval": "INSERT INTO documents (tenant, document_id, sequence, change, passages, embedded, origin_at,"
    " origin_partition, origin_offset) VALUES ($1, 'd-rls', nextval('change_sequence'), 'created', 0, 0, now(), 0, 0)",
    "generation": "INSERT INTO stream_epochs (tenant, request_id) VALUES ($1, 'd-rls')",
    "eval": "INSERT INTO requests (tenant, request_id, digest, state, accepted_at, deadline, expires_at)"
    " VALUES ($1, 'd-rls', 'd', 'released', now(), now(), now())",
    "feedback": "INSERT INTO pending (tenant, request_id, feedback_id, body) VALUES ($1, 'd-rls', 'f', 'b')",
    "judge": "INSERT INTO ledger (key, claimed_by, leased_until, tenant) VALUES ($1 || '/d-rls', 'c', now(), $1)",
    "gateway": "INSERT INTO published (tenant, request_id, digest) VALUES ($1, 'd-rls', 'd')",
}
TABLES = {
    "cache": "documents",
    "retrieval": "documents",
    "generation": "stream_epochs",
    "eval": "requests",
    "feedback": "pending",
    "judge": "ledger",
    "gateway": "published",
}


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def pool_of(addresses: Addresses, service: str) -> AsyncIterator[StorePool]:
    settings = KitSettings(postgres_dsn=SecretStr(addresses.postgres_dsns[service]), postgres_pool=1)
    async with open_pool(settings, service) as pool:
        yield pool


async def tables_of(addresses: Addresses) -> list[tuple[str, str]]:
    async with connected(addresses.postgres_dsn) as owner:
        rows = await owner.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY ($1::text[])", list(SERVICES)
        )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_is_refused_on_every_schema_but_its_own(addresses: Addresses, service: str) -> None:
    tables = await tables_of(addresses)
    assert {schema for schema, _ in tables} == set(SERVICES)
    async with connected(addresses.postgres_dsns[service]) as connection:
        for schema, table in tables:
            statement = f'SELECT count(*) FROM "{schema}"."{table}"'
            if schema == service:
                assert await connection.fetchval(statement) is not None
            else:
                with pytest.raises(REFUSED):
                    await connection.execute(statement)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE {schema}.mine (n int)",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "DROP TABLE {schema}.{table}",
        "TRUNCATE {schema}.{table}",
        "ALTER TABLE {schema}.{table} DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON {schema}.{table}",
        "CREATE POLICY open ON {schema}.{table} USING (true)",
        "UPDATE {schema}.alembic_version SET version_num = '9999'",
        "SET ROLE septet",
        "COPY {schema}.{table} TO PROGRAM 'cat'",
        "ALTER ROLE {schema} BYPASSRLS",
    ],
)
async def test_a_role_may_change_rows_and_nothing_else(
    addresses: Addresses, service: str, statement: str
) -> None:
    async with connected(addresses.postgres_dsns[service]) as connection:
        with pytest.raises(REFUSED):
            await connection.execute(statement.format(schema=service, table=TABLES[service]))


@pytest.mark.parametrize("service", SERVICES)
async def test_security_that_is_switched_off_refuses_instead_of_showing_all(
    addresses: Addresses, service: str
) -> None:
    async with connected(addresses.postgres_dsns[service]) as connection:
        await connection.execute("SET row_security = off")
        with pytest.raises(REFUSED, match="row-level security"):
            await connection.fetch(f"SELECT * FROM {service}.{TABLES[service]}")


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_with_tenants_has_a_policy(addresses: Addresses, service: str) -> None:
    async with connected(addresses.postgres_dsn) as owner:
        bare = await owner.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'"
            " WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity",
            service,
        )
    assert bare == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_query_that_forgets_its_tenant_sees_only_the_tenant_that_is_served(
    addresses: Addresses, service: str
) -> None:
    """The planted mistake: no WHERE on the tenant. Run as the owner it shows both tenants' rows, so it would leak."""
    forgetful = f"SELECT tenant FROM {service}.{TABLES[service]} WHERE tenant LIKE 'rls-%' ORDER BY 1"
    tenants = ["rls-a", "rls-b"]
    async with pool_of(addresses, service) as pool:
        for tenant in tenants:
            await pool.execute(ROWS[service], tenant, tenant=tenant)
        async with connected(addresses.postgres_dsn) as owner:
            assert [r["tenant"] for r in await owner.fetch(forgetful)] == tenants
        for tenant in (*tenants, *tenants):
            assert [r["tenant"] for r in await pool.fetch(forgetful, tenant=tenant)] == [tenant]
        assert [r["tenant"] for r in await pool.fetch(forgetful, tenant=ALL_TENANTS)] == tenants
        assert await pool.fetch(forgetful) == [], "the wide view is not left behind, nor is the last tenant"
        with pytest.raises(REFUSED, match="row-level security"):
            await pool.execute(ROWS[service].replace("d-rls", "d-other"), "rls-b", tenant="rls-a")
        await pool.execute(
            f"DELETE FROM {service}.{TABLES[service]} WHERE tenant LIKE 'rls-%'", tenant="rls-a"
        )
        assert [r["tenant"] for r in await pool.fetch(forgetful, tenant=ALL_TENANTS)] == ["rls-b"]
        await pool.execute(
            f"DELETE FROM {service}.{TABLES[service]} WHERE tenant LIKE 'rls-%'", tenant=ALL_TENANTS
        )


async def test_a_transaction_that_fails_serves_nobody_afterwards(addresses: Addresses) -> None:
    async with pool_of(addresses, "eval") as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.transaction("acme") as connection:
                await connection.execute("SELECT 1 / 0")
        assert await pool.fetchval("SELECT current_setting('septet.tenant')") == ""
        async with pool.transaction("it's") as connection:
            assert await connection.fetchval("SELECT current_setting('septet.tenant')") == "it's"
        assert await pool.fetchval("SELECT current_setting('septet.tenant')") == ""


async def test_a_tenant_that_stays_costs_no_statement(addresses: Addresses) -> None:
    async with pool_of(addresses, "eval") as pool:
        async with pool.acquire("acme") as connection:
            said: list[str] = []
            connection.add_query_logger(lambda record: said.append(record.query))
        for tenant in ("acme", "acme", "globex", "globex"):
            await pool.fetchval("SELECT 1", tenant=tenant)
        async with pool.transaction("acme") as connection:
            await connection.execute("SELECT 2")
        # Statements are logged one turn of the loop later.
        await asyncio.sleep(0)
        assert said == [
            "SELECT 1",
            "SELECT 1",
            "SET septet.tenant = 'globex'",
            "SELECT 1",
            "SELECT 1",
            "BEGIN; SET LOCAL septet.tenant = 'acme'",
            "SELECT 2",
            "COMMIT",
        ]


async def test_statements_and_locks_are_given_up_in_time(addresses: Addresses) -> None:
    settings = KitSettings(
        postgres_dsn=SecretStr(addresses.postgres_dsns["eval"]),
        postgres_statement_timeout=timedelta(milliseconds=300),
        postgres_lock_timeout=timedelta(milliseconds=100),
    )
    async with open_pool(settings, "eval") as pool:
        with pytest.raises(Transient, match="statement timeout"):
            await pool.fetchval("SELECT pg_sleep(30)")
        async with pool.transaction("acme") as holder:
            await holder.execute("SELECT pg_advisory_xact_lock(4711)")
            with pytest.raises(Transient, match="lock timeout"):
                await pool.fetchval("SELECT pg_advisory_xact_lock(4711)")

"""Migrations on a real server: from nothing, from an older revision with data, and all at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from uuid import uuid4

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from septet_kit import KitSettings, Permanent, Transient
from septet_kit.migrate import Migrations, as_sql, behind, installed, migrate
from septet_kit.store import open_pool, schema
from septet_native.stack.addresses import Addresses

SERVICES = ("cache", "eval", "feedback", "gateway", "generation", "judge", "retrieval")


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the schemas' owner."""
    connection = await asyncpg.connect(addresses.postgres_dsn)
    yield connection
    await connection.close()


def named(service: str) -> Migrations:
    """A service's migrations in a schema of the test's own."""
    return Migrations(f"m_{uuid4().hex[:8]}", f"septet_{service}.migrations")


async def shape(owner: asyncpg.Connection, schema: str) -> list[tuple[object, ...]]:
    """Columns, indexes and policies of a schema, for comparison."""
    columns = await owner.fetch(
        "SELECT table_name, column_name, udt_name, is_nullable FROM information_schema.columns"
        " WHERE table_schema = $1 ORDER BY 1, 2",
        schema,
    )
    indexes = await owner.fetch(
        "SELECT indexname, replace(indexdef, $1, '') FROM pg_indexes WHERE schemaname = $1 ORDER BY 1", schema
    )
    policies = await owner.fetch(
        "SELECT tablename, qual FROM pg_policies WHERE schemaname = $1 ORDER BY 1", schema
    )
    return [tuple(row) for row in (*columns, *indexes, *policies)]


def test_every_service_with_a_schema_is_installed_with_its_migrations() -> None:
    assert [m.schema for m in installed()] == list(SERVICES)


def test_an_unknown_service_is_refused_with_what_there_is() -> None:
    with pytest.raises(Permanent, match="no migrations for nobody") as caught:
        installed(["nobody"])
    assert "cache, eval" in str(caught.value.fix)


@pytest.mark.parametrize("service", SERVICES)
def test_the_head_by_file_names_is_the_one_of_alembic(service: str) -> None:
    migrations = Migrations(service, f"septet_{service}.migrations")
    folder = import_module(migrations.package).__path__[0]
    config = Config()
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.head]


@pytest.mark.parametrize("service", SERVICES)
async def test_tables_from_before_there_were_revisions_are_adopted(
    addresses: Addresses, owner: asyncpg.Connection, service: str
) -> None:
    fresh, adopted = named(service), named(service)
    first = import_module(f"{fresh.package}.versions.v0001_tables")
    async with owner.transaction():
        await owner.execute(
            f"CREATE SCHEMA {adopted.schema}; SET LOCAL search_path = {adopted.schema}, public"
        )
        for statement in (*schema.TABLES, *first.TABLES):
            await owner.execute(statement)
        await owner.execute(
            "INSERT INTO ledger (key, claimed_by, leased_until) VALUES ('acme/r-1/d/1', 'g-0/x', now())"
        )
    done = await migrate(addresses.postgres_dsn, [fresh, adopted])
    assert set(done.values()) == {fresh.head}
    assert await shape(owner, adopted.schema) == await shape(owner, fresh.schema)
    assert await owner.fetchval(f"SELECT tenant FROM {adopted.schema}.ledger") == "acme"


async def test_an_older_revision_with_data_is_brought_to_the_head(
    addresses: Addresses, owner: asyncpg.Connection
) -> None:
    cache = named("cache")
    assert await migrate(addresses.postgres_dsn, [cache], "0002") == {cache.schema: "0002"}
    await owner.execute(
        f"INSERT INTO {cache.schema}.entries (tenant, scope, form, answer_digest, request_id, answer_kind, created_at,"
        " expires_at, embedding_model, embedding, content) SELECT 'acme', 's', '질문', 'a', 'r', 'generated', now(),"
        " now(), 'm', array_fill(0.25, ARRAY[384])::vector, '{}'"
    )
    assert await behind(addresses.postgres_dsn, [cache]) == [f"{cache.schema}: at 0002, head is {cache.head}"]
    await migrate(addresses.postgres_dsn, [cache])
    row = await owner.fetchrow(
        f"SELECT form, pg_typeof(embedding)::text AS kind, vector_dims(embedding) AS n FROM {cache.schema}.entries"
    )
    assert row is not None
    assert tuple(row) == ("질문", "halfvec", 384)
    assert await behind(addresses.postgres_dsn, [cache]) == []


async def test_many_at_once_and_again_change_nothing_twice(
    addresses: Addresses, owner: asyncpg.Connection
) -> None:
    schemas = [named("eval"), named("feedback")]
    await asyncio.gather(*(migrate(addresses.postgres_dsn, schemas) for _ in range(4)))
    before = [await shape(owner, m.schema) for m in schemas]
    await migrate(addresses.postgres_dsn, schemas)
    assert [await shape(owner, m.schema) for m in schemas] == before


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    addresses: Addresses, owner: asyncpg.Connection
) -> None:
    broken = named("eval")
    await migrate(addresses.postgres_dsn, [broken], "0001")
    await owner.execute(f"ALTER TABLE {broken.schema}.conflicts RENAME TO hidden")
    before = await shape(owner, broken.schema)
    with pytest.raises(Exception, match="conflicts"):
        await migrate(addresses.postgres_dsn, [broken])
    assert await shape(owner, broken.schema) == before
    assert await behind(addresses.postgres_dsn, [broken]) == [
        f"{broken.schema}: at 0001, head is {broken.head}"
    ]


async def test_a_service_says_which_command_is_missing(addresses: Addresses) -> None:
    late = named("eval")
    await migrate(addresses.postgres_dsn, [late], "0001")
    settings = KitSettings(postgres_dsn=SecretStr(addresses.postgres_dsn))
    with pytest.raises(
        Permanent, match=f"{late.schema} is at revision 0001, and {late.head} is needed"
    ) as caught:
        async with open_pool(settings, late.schema, late.head):
            pass
    assert caught.value.code == "schema_behind"
    assert f"python -m septet_kit.migrate {late.schema}" in str(caught.value.fix)
    with pytest.raises(Permanent, match="at revision none"):
        async with open_pool(settings, "no_such_schema", "0001"):
            pass
    async with open_pool(settings, late.schema, "0001") as pool:
        assert await pool.fetchval("SELECT 1") == 1


async def test_a_role_without_rights_cannot_migrate(addresses: Addresses) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await migrate(addresses.postgres_dsns["eval"], [named("eval")])


async def test_a_database_that_is_not_there_is_transient() -> None:
    with pytest.raises(Transient, match="PostgreSQL"):
        await migrate("postgresql://x:x@127.0.0.1:9/none", [named("eval")])


async def test_the_sql_for_those_who_apply_it_by_hand_makes_the_same_schema(
    addresses: Addresses, owner: asyncpg.Connection
) -> None:
    by_hand, by_tool = named("cache"), named("cache")
    await owner.execute(as_sql([by_hand]))
    await migrate(addresses.postgres_dsn, [by_tool])
    assert await shape(owner, by_hand.schema) == await shape(owner, by_tool.schema)


async def test_the_command_checks_and_migrates(addresses: Addresses) -> None:
    async def run(*arguments: str, dsn: str = addresses.postgres_dsn) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "septet_kit.migrate",
            *arguments,
            env={**os.environ, "SEPTET_POSTGRES_OWNER_DSN": dsn},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    assert await run("--check") == (0, "up to date\n")
    code, out = await run("eval")
    assert (code, out) == (0, f"eval: {installed(['eval'])[0].head}\n")
    code, out = await run("--check", dsn="postgresql://x:x@127.0.0.1:9/none")
    assert code == 1
    assert "Traceback" not in out
    assert "SEPTET_POSTGRES_OWNER_DSN" in out

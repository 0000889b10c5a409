"""Query plans for tests: which indexes a statement uses, and which tables it reads completely."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import asyncpg

from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

_SQL = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class Plan:
    """Names of the used indexes, and of the tables with sequential scans."""

    indexes: frozenset[str]
    read_whole: frozenset[str]


async def plan_of(connection: asyncpg.Connection, statement: str, *args: object) -> Plan:
    """The plan for these arguments; the statement does not run."""
    return _plan(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *args))


async def generic_plan_of(connection: asyncpg.Connection, statement: str) -> Plan:
    """The generic plan, which a prepared statement may get after some runs."""
    numbers = [int(n) for n in _PARAMETER.findall(statement)]
    nothing = ", ".join(["NULL"] * max(numbers, default=0))
    await connection.execute(f"PREPARE explained AS {statement}")
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            call = f"explained({nothing})" if nothing else "explained"
            return _plan(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {call}"))
    finally:
        await connection.execute("DEALLOCATE explained")


@dataclass(frozen=True)
class Expected:
    """The plan that a statement needs on large tables.

    Attributes:
        args: arguments as of a real call.
        indexes: which it must use.
        tenant: for whom it runs.
        whole: tables that it may read whole.
        generic: whether it must do as well with a plan for any arguments; not where each call is planned.
        local: settings of its transaction.
    """

    args: tuple[object, ...] = ()
    indexes: frozenset[str] = frozenset()
    tenant: str = ALL_TENANTS
    whole: frozenset[str] = frozenset()
    generic: bool = True
    local: tuple[str, ...] = ()


async def faults_of(pool: StorePool, statement: str, expected: Expected) -> list[str]:
    """The faults of a statement's plans."""
    async with pool.transaction(expected.tenant, *expected.local) as connection:
        plans = {"custom": await plan_of(connection, statement, *expected.args)}
    if expected.generic:
        async with pool.acquire() as connection:
            plans["generic"] = await generic_plan_of(connection, statement)
    found = []
    for kind, plan in plans.items():
        if missing := expected.indexes - plan.indexes:
            found.append(f"{kind} plan without {sorted(missing)}: {sorted(plan.indexes)}")
        if whole := plan.read_whole - expected.whole:
            found.append(f"{kind} plan reads {sorted(whole)} from end to end")
    return found


def statements_of(*modules: ModuleType) -> dict[str, str]:
    """The SQL among the constants of modules, by ``module.NAME``."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}{f'[{n}]' if isinstance(value, tuple) else ''}": text
        for module in modules
        for name, value in vars(module).items()
        if name.isupper()
        for n, text in enumerate(value if isinstance(value, tuple) else (value,))
        if isinstance(text, str) and _SQL.match(text)
    }


def _plan(explained: str) -> Plan:
    nodes = list(_nodes(json.loads(explained)[0]["Plan"]))
    return Plan(
        frozenset(str(n["Index Name"]) for n in nodes if "Index Name" in n),
        frozenset(str(n["Relation Name"]) for n in nodes if n["Node Type"] == "Seq Scan"),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)

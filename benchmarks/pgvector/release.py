"""Cost of row-level security for eval: registration and release of requests, one at a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from pydantic import SecretStr
from septet_contracts import Outcome
from septet_eval.adapters.postgres import PostgresRequestRegistry
from septet_eval.domain.admission import Floors
from septet_eval.domain.caster import VERSIONS
from septet_eval.domain.response import Pending, Publication, ReleaseContext, conflict, respond
from septet_eval.ports import Substitutes
from septet_kit import KitSettings
from septet_kit.context import Context
from septet_kit.store import open_pool
from septet_kit.testing import context, flow
from septet_native.servers.postgres import Postgres

COUNT, ROUNDS = 300, 5
TABLES = ("requests", "conflicts", "outbox", "ledger")


async def release(server: Postgres) -> dict[str, Any]:
    """Median milliseconds over interleaved rounds: policies on and off, one tenant and two tenants in turn."""
    owner = await asyncpg.connect(server.dsn)
    settings = KitSettings(postgres_dsn=SecretStr(server.dsn_of("eval")), postgres_pool=1)
    ways = {
        "without policies, one tenant": (False, ("acme",)),
        "with policies, one tenant": (True, ("acme",)),
        "with policies, two tenants in turn": (True, ("acme", "globex")),
    }
    taken: dict[str, dict[str, list[float]]] = {name: {"register": [], "release": []} for name in ways}
    async with open_pool(settings, "eval") as pool:
        registry = PostgresRequestRegistry(pool, VERSIONS)
        await _round(registry, ("acme",), "warm")
        for number in range(ROUNDS):
            for name, (on, tenants) in ways.items():
                for table in TABLES:
                    what = "ENABLE" if on else "DISABLE"
                    await owner.execute(f"ALTER TABLE eval.{table} {what} ROW LEVEL SECURITY")
                registered, released = await _round(registry, tenants, f"{number}-{on}-{len(tenants)}")
                taken[name]["register"] += registered
                taken[name]["release"] += released
    await owner.close()
    return {
        name: {f"{step}_p50_ms": round(statistics.median(values), 3) for step, values in steps.items()}
        for name, steps in taken.items()
    }


async def _round(
    registry: PostgresRequestRegistry, tenants: Sequence[str], name: str
) -> tuple[list[float], list[float]]:
    registered, released = [], []
    for number in range(COUNT):
        outcome = flow(
            Outcome, request_id=f"{name}-{number}", tenant=tenants[number % len(tenants)], answer="x" * 500
        )
        pending = _pending(outcome)
        made = ReleaseContext(
            at=datetime.now(UTC), timing=_context(outcome).timing("eval"), trace_id="0" * 32
        )

        def other(pending: Pending = pending, made: ReleaseContext = made) -> Publication:
            return conflict(pending, made)

        substitutes = Substitutes(conflict=other, cancelled=other)
        began = time.perf_counter()
        await registry.register(pending, substitutes)
        middle = time.perf_counter()
        await registry.release(pending, respond(outcome, (), (), Floors({}), made), substitutes)
        registered.append((middle - began) * 1000)
        released.append((time.perf_counter() - middle) * 1000)
    return registered, released


def _context(outcome: Outcome) -> Context:
    return context("outcomes", outcome)


def _pending(outcome: Outcome) -> Pending:
    return Pending(
        tenant=outcome.tenant,
        request_id=outcome.request_id,
        conversation_id=None,
        digest=outcome.request_digest,
        deadline=outcome.deadline + timedelta(hours=1),
        accepted_at=outcome.accepted_at,
        traceparent=None,
    )

"""Query plans: every statement uses its index on large tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
from pgvector import HalfVector
from septet_cache.adapters import statements
from septet_kit.store.plans import Expected, plan_of, statements_of
from septet_kit.store.pool import StorePool

from tests.support.database import Database
from tests.support.plan_suite import PlanSuite

DIMENSIONS = 384
NOW, LONG_AGO = datetime.now(UTC), datetime.now(UTC) - timedelta(days=30)
VECTOR = HalfVector(np.full(DIMENSIONS, 0.05, dtype=np.float32))
LOAD = (
    f"""
    INSERT INTO entries (tenant, scope, form, answer_digest, request_id, model, prompt_version, answer_kind,
                         created_at, expires_at, revoked_at, grams, embedding_model, embedding, content)
    SELECT CASE WHEN n % 50 = 0 THEN 'small' ELSE 'big' END, 's-' || n % 20, 'form ' || n / 20, 'a' || n, 'r-' || n, 'm', 'p',
           CASE WHEN n % 4 = 0 THEN 'generated' ELSE 'extractive' END, now() - n * interval '1 minute',
           now() + interval '1 day', CASE WHEN n % 10 = 1 THEN now() - n * interval '10 minutes' END,
           ARRAY['big/g' || n, 'big/h' || n % 2000], 'e', v, '{{}}'
    FROM generate_series(1, 5000) n,
         LATERAL (SELECT array_agg(sin(n * i))::halfvec AS v FROM generate_series(1, {DIMENSIONS}) i) e
    """,
    "INSERT INTO lineage SELECT id, tenant, 'd-' || id % 1000, 'h' FROM entries",
    "INSERT INTO documents SELECT 'big', 'd-' || n, 'h', now() FROM generate_series(1, 20000) n",
    """
    INSERT INTO vetoes (tenant, request_id, form, answer_digest, reason, created_at)
    SELECT 'big', 'r-' || n, 'f' || n, 'a', 'wrong', now() - n * interval '3 minutes' FROM generate_series(1, 20000) n
    """,
)

PARAMETERS = {
    "wanted_scope": "text",
    "at_time": "timestamptz",
    "wanted_model": "text",
    "wanted": "text[]",
    "enough": "bigint",
}


def expect(*indexes: str, args: tuple[object, ...], tenant: str = "big", **more: Any) -> Expected:
    return Expected(args, frozenset(indexes), tenant, **more)


EXPECTED = {
    "LOCK_TENANT": expect(args=("big",)),
    "BY_SLOT": expect("entries_live", args=("big", "s-7", "form 7", NOW)),
    "NEAR": expect(
        "entries_embedding_384",
        "entries_pkey",
        args=("big", "s-7", NOW, "e", VECTOR, ["big/g7"], 5),
        generic=False,
        local=statements.PLAN_FOR_TENANT,
    ),
    "KNOWN_DOCUMENTS": expect("documents_pkey", args=("big", ["d-7"])),
    "FIND_VETO": expect("vetoes_request", "vetoes_answer", args=("big", "r-7", "f7", "a")),
    "NEWER_IN_SLOT": expect("entries_live", args=("big", "s-7", "form 7", NOW)),
    "NEWER_OF_OTHER_MODEL": expect("entries_generated", args=("big", "s-7", "m", "p", NOW)),
    "REVOKE_SLOT": expect("entries_live", args=("big", "s-7", "form 7", NOW)),
    "REVOKE_OTHER_MODELS": expect("entries_generated", args=("big", "s-7", "m", "p", NOW, LONG_AGO)),
    "INSERT": expect(
        args=("big", "s-7", "f", "a", "r", "m", "p", "generated", NOW, NOW, ["big/g"], "e", VECTOR, "{}")
    ),
    "INSERT_LINEAGE": expect(args=(1, "big", "d", "h")),
    "UPSERT_DOCUMENT": expect(args=("big", "d-7", "h", NOW)),
    "REVOKE_BY_DOCUMENT": expect(
        "lineage_document", "entries_pkey", args=("big", "d-7", "x", NOW, "changed")
    ),
    "INSERT_VETO": expect(args=("big", "r", "f", "a", "wrong", NOW)),
    "REVOKE_VETOED": expect(
        "entries_request",
        "entries_answer",
        args=("big", "r-7", "form 7", "a7", "s-7", "form 7", NOW, "wrong"),
    ),
    "REVOKE_FLAGGED": expect("lineage_document", "entries_pkey", args=("big", "d-7", NOW, "wrong")),
    "PURGE": expect("entries_expires", "entries_revoked", args=(LONG_AGO,), tenant="*", generic=False),
    "PURGE_VETOES": expect("vetoes_created", args=(LONG_AGO,), tenant="*"),
}
STATEMENTS = {
    name.removeprefix("statements."): text.replace("{dimensions}", str(DIMENSIONS))
    for name, text in statements_of(statements).items()
}


class TestPlans(PlanSuite):
    statements = STATEMENTS
    expected = EXPECTED
    load = LOAD

    async def test_sharing_grams_uses_the_index_on_grams(self, grown: StorePool, database: Database) -> None:
        body = str(await grown.fetchval("SELECT pg_get_function_sqlbody('sharing_grams'::regproc)"))
        query = body.removeprefix("BEGIN ATOMIC").removesuffix("END").strip().removesuffix(";")
        for number, (name, kind) in enumerate(PARAMETERS.items(), start=1):
            query = re.sub(rf"(?:sharing_grams\.)?\b{name}\b", f"${number}::{kind}", query)
        owner = await asyncpg.connect(
            database.owner_dsn, server_settings={"search_path": "cache", "septet.tenant": "big"}
        )
        try:
            plan = await plan_of(owner, query, "s-7", NOW, "e", ["big/g7"], 5)
        finally:
            await owner.close()
        assert "entries_grams" in plan.indexes
        assert not plan.read_whole

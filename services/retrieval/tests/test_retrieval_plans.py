"""Every SQL statement of retrieval uses its index on large tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from pgvector import HalfVector
from septet_kit.store.plans import Expected, statements_of
from septet_retrieval.adapters import rows

from tests.support.plan_suite import PlanSuite
from tests.support.retrieval import DIMENSIONS

NOW = datetime.now(UTC)
VECTOR = HalfVector(np.full(DIMENSIONS, 0.125, dtype=np.float32))
LOAD = (
    """
    INSERT INTO documents (tenant, document_id, sequence, change, passages, embedded, origin_at, origin_partition,
                           origin_offset)
    SELECT CASE WHEN n % 50 = 0 THEN 'small' ELSE 'big' END, 'd-' || n, n, 'created', 2, 2, now(), 0, n
    FROM generate_series(1, 4000) n
    """,
    f"""
    INSERT INTO passages
    SELECT 'p-' || n || '.' || part, CASE WHEN n % 50 = 0 THEN 'small' ELSE 'big' END, 'd-' || n, 'h', 't', '', '',
           'text', 0, 4, 'm', sha256((n * 2 + part)::text::bytea),
           (SELECT array_agg(sin(n * i + part)) FROM generate_series(1, {DIMENSIONS}) i)::halfvec
    FROM generate_series(1, 4000) n, generate_series(0, 1) part
    """,
)
PLANNED_EACH_TIME: Any = {"generic": False, "local": rows.PLAN_FOR_TENANT}


def expect(*indexes: str, args: tuple[object, ...], tenant: str = "big", **more: Any) -> Expected:
    return Expected(args, frozenset(indexes), tenant, **more)


EXPECTED = {
    "LOCK_WRITES": [expect(args=(1,))],
    "STATES": [expect("documents_pkey", args=("big", ["d-7"]))],
    "POSITIONS": [expect("documents_sequence", args=(), tenant="*")],
    "PUT_DOCUMENT": [expect(args=("big", "d-7", 1, "h", "changed", 1, 1, NOW, 0, 1, 0))],
    "DROP_PASSAGES": [expect("passages_document", args=("big", ["d-7"]))],
    "PUT_PASSAGE": [
        expect(args=("p", "big", "d-7", "h", "", "", "", "", 0, 1, "[]", "m", b"x", VECTOR)),
    ],
    "TOUCH": [expect("documents_pkey", args=("big", "d-7", 1, NOW, 0, 1))],
    "KNOWN_VECTORS": [expect("passages_text_hash", args=("big", "m", [b"x"]))],
    "CHANGES": [expect("documents_sequence", "passages_document", args=("big", 3990, 50))],
    "PENDING": [expect("documents_sequence", args=("big", 3990))],
    # A large tenant uses the vector index; a small one is searched exactly.
    "NEAREST": [
        expect("passages_embedding", args=("big", "m", VECTOR, 10), **PLANNED_EACH_TIME),
        expect("passages_document", args=("small", "m", VECTOR, 10), tenant="small", **PLANNED_EACH_TIME),
    ],
    "COSINES": [expect("passages_pkey", args=("big", "m", ["p-7.0"], VECTOR))],
    "OF_OTHER_MODELS": [expect("passages_model", args=("big", "m", 64, [b"x"]))],
    "USE_MODEL": [expect(args=("m",))],
    # The table has one row per model.
    "OTHER_MODELS_IN_USE": [expect(args=("m", timedelta(minutes=3)), whole=frozenset({"models"}))],
    "REPLACE_VECTOR": [expect("passages_text_hash", args=("big", "p-7.0", b"x", "m", VECTOR))],
}
STATEMENTS = {name.removeprefix("rows."): text for name, text in statements_of(rows).items()}


class TestPlans(PlanSuite):
    statements = STATEMENTS
    expected = EXPECTED
    load = LOAD

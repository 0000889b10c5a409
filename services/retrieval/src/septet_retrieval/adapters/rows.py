"""SQL statements, and conversion between rows and values."""

from __future__ import annotations

import json
from collections.abc import Iterator

import asyncpg
from pgvector import HalfVector

from septet_retrieval.domain.passages import IndexedPassage, Instruction
from septet_retrieval.domain.revisions import Origin, State
from septet_retrieval.ports import DocumentWrite, Unchanged

LOCK_WRITES = "SELECT pg_advisory_xact_lock($1)"

# A generic plan ignores the tenant's number of rows. Without an iterative scan, the tenant filter applies only to
# the first ``ef_search`` neighbours.
PLAN_FOR_TENANT = ("hnsw.iterative_scan = relaxed_order", "plan_cache_mode = force_custom_plan")

STATES = "SELECT * FROM documents WHERE tenant = $1 AND document_id = ANY ($2::text[])"

# Loose index scan: one index look-up per tenant instead of a scan of all documents.
POSITIONS = """
WITH RECURSIVE tenants AS (
    (SELECT tenant FROM documents ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT d.tenant FROM documents d WHERE d.tenant > t.tenant ORDER BY d.tenant LIMIT 1)
    FROM tenants t WHERE t.tenant IS NOT NULL
)
SELECT tenant, (SELECT max(sequence) FROM documents d WHERE d.tenant = t.tenant) AS last
FROM tenants t WHERE tenant IS NOT NULL
"""

PUT_DOCUMENT = """
INSERT INTO documents AS d (
    tenant, document_id, sequence, revision, content_hash, change, passages, embedded,
    origin_at, origin_partition, origin_offset, instructions
) VALUES ($1, $2, nextval('change_sequence'), $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant, document_id) DO UPDATE SET
    sequence = excluded.sequence, revision = coalesce(excluded.revision, d.revision),
    content_hash = excluded.content_hash, previous_hash = d.content_hash, change = excluded.change,
    passages = excluded.passages, embedded = excluded.embedded, origin_at = excluded.origin_at,
    origin_partition = excluded.origin_partition, origin_offset = excluded.origin_offset,
    instructions = excluded.instructions
"""

DROP_PASSAGES = "DELETE FROM passages WHERE tenant = $1 AND document_id = ANY ($2::text[])"

PUT_PASSAGE = """
INSERT INTO passages (
    passage_id, tenant, document_id, content_hash, title, location, uri, text, starts, ends,
    instructions, model, text_hash, embedding
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

TOUCH = """
UPDATE documents SET revision = greatest(revision, $3::bigint),
    origin_at = $4, origin_partition = $5, origin_offset = $6
WHERE tenant = $1 AND document_id = $2
"""

KNOWN_VECTORS = """
SELECT DISTINCT ON (text_hash) text_hash, embedding FROM passages
WHERE tenant = $1 AND model = $2 AND text_hash = ANY($3)
"""

CHANGES = """
SELECT d.sequence, d.document_id AS changed_id, p.passage_id, p.document_id, p.content_hash, p.title, p.location,
    p.uri, p.text, p.starts, p.ends, p.instructions
FROM (
    SELECT tenant, document_id, sequence FROM documents
    WHERE tenant = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
) d
LEFT JOIN passages p ON p.tenant = d.tenant AND p.document_id = d.document_id
ORDER BY d.sequence, p.starts
"""

PENDING = "SELECT count(*) FROM documents WHERE tenant = $1 AND sequence > $2"

NEAREST = """
SELECT passage_id, document_id, content_hash, title, location, uri, text, starts, ends, instructions,
    1 - (embedding <=> $3) AS cosine
FROM passages WHERE tenant = $1 AND model = $2
ORDER BY embedding <=> $3 LIMIT $4
"""

COSINES = """
SELECT passage_id, 1 - (embedding <=> $4) AS cosine FROM passages
WHERE tenant = $1 AND model = $2 AND passage_id = ANY($3)
"""

# PostgreSQL uses no index for <>. It hashes the subquery of NOT IN, but compares every element of <> ALL.
OF_OTHER_MODELS = """
SELECT * FROM (
    SELECT passage_id, document_id, content_hash, title, location, uri, text, starts, ends, instructions, text_hash
    FROM passages WHERE tenant = $1 AND model < $2 AND text_hash NOT IN (SELECT unnest($4::bytea[]))
    ORDER BY model LIMIT $3
) lower
UNION ALL
SELECT * FROM (
    SELECT passage_id, document_id, content_hash, title, location, uri, text, starts, ends, instructions, text_hash
    FROM passages WHERE tenant = $1 AND model > $2 AND text_hash NOT IN (SELECT unnest($4::bytea[]))
    ORDER BY model LIMIT $3
) higher
LIMIT $3
"""

USE_MODEL = """
INSERT INTO models (model, used_at) VALUES ($1, now()) ON CONFLICT (model) DO UPDATE SET used_at = now()
"""

OTHER_MODELS_IN_USE = "SELECT model FROM models WHERE model <> $1 AND used_at > now() - $2::interval"

REPLACE_VECTOR = """
UPDATE passages SET model = $4, embedding = $5 WHERE tenant = $1 AND passage_id = $2 AND text_hash = $3
"""


def to_state(row: asyncpg.Record) -> State:
    names = (
        "sequence",
        "revision",
        "content_hash",
        "previous_hash",
        "change",
        "passages",
        "embedded",
        "instructions",
    )
    origin = Origin(row["origin_at"], row["origin_partition"], row["origin_offset"])
    return State(**{name: row[name] for name in names}, origin=origin)


def to_passage(row: asyncpg.Record) -> IndexedPassage:
    names = ("passage_id", "document_id", "content_hash", "title", "location", "uri", "text")
    instructions = tuple(Instruction(*found) for found in json.loads(row["instructions"]))
    known = {name: row[name] for name in names}
    return IndexedPassage(**known, start=row["starts"], end=row["ends"], instructions=instructions)


def document_row(write: DocumentWrite) -> tuple[object, ...]:
    """Arguments of ``PUT_DOCUMENT``."""
    content = (write.revision, write.content_hash, write.change, len(write.passages), write.embedded)
    return (*write.key, *content, *_origin_row(write.origin), write.instructions)


def touch_row(unchanged: Unchanged) -> tuple[object, ...]:
    """Arguments of ``TOUCH``."""
    return (*unchanged.key, unchanged.revision, *_origin_row(unchanged.origin))


def _origin_row(origin: Origin) -> tuple[object, ...]:
    return (origin.timestamp, origin.partition, origin.offset)


def passage_rows(write: DocumentWrite, model: str) -> Iterator[tuple[object, ...]]:
    """Arguments of ``PUT_PASSAGE``, one tuple per passage."""
    for passage, text_hash, vector in zip(write.passages, write.text_hashes, write.vectors, strict=True):
        names = (passage.passage_id, write.key[0], passage.document_id)
        content = (passage.content_hash, passage.title, passage.location, passage.uri, passage.text)
        place = (passage.start, passage.end, json.dumps(passage.instructions))
        yield (*names, *content, *place, model, text_hash, HalfVector(vector))

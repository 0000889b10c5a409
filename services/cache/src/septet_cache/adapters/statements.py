"""SQL statements of the PostgreSQL store."""

from __future__ import annotations

# Writers of one tenant run one at a time, so that an admission cannot miss a document change or a veto that is being
# written. Lookups take no lock.
# Advisory locks belong to the database; the schema tells namespaces apart.
LOCK_TENANT = "SELECT pg_advisory_xact_lock(hashtextextended('septet.' || current_schema() || ':' || $1, 0))"

BY_SLOT = """
SELECT content FROM entries
WHERE tenant = $1 AND scope = $2 AND form = $3 AND revoked_at IS NULL AND expires_at > $4
"""

# A generic plan ignores the selectivity of tenant and scope. Without the iterative scan, HNSW returns too few rows of
# a small tenant.
PLAN_FOR_TENANT = ("plan_cache_mode = force_custom_plan", "hnsw.iterative_scan = relaxed_order")

NEAR = """
WITH dense AS (
    SELECT id FROM entries
    WHERE tenant = $1 AND scope = $2 AND revoked_at IS NULL AND expires_at > $3
      AND embedding_model = $4 AND vector_dims(embedding) = {dimensions}
    ORDER BY embedding::halfvec({dimensions}) <=> $5::halfvec({dimensions}) LIMIT $7
)
SELECT content, 1 - (embedding::halfvec({dimensions}) <=> $5::halfvec({dimensions})) AS similarity FROM entries
WHERE tenant = $1 AND vector_dims(embedding) = {dimensions}
  AND id IN (SELECT id FROM dense UNION SELECT entry_id FROM sharing_grams($2, $3, $4, $6::text[], $7))
"""

KNOWN_DOCUMENTS = """
SELECT document_id, content_hash FROM documents WHERE tenant = $1 AND document_id = ANY ($2::text[])
"""

FIND_VETO = """
SELECT reason FROM vetoes
WHERE tenant = $1 AND (request_id = $2 OR (form = $3 AND answer_digest = $4)) LIMIT 1
"""

NEWER_IN_SLOT = """
SELECT true FROM entries
WHERE tenant = $1 AND scope = $2 AND form = $3 AND revoked_at IS NULL AND created_at > $4
"""

# Versions are compared within one template (`name@version`): a revised answer (`revise@…`) has no newer prompt than a
# first answer (`answer@…`).
NEWER_OF_OTHER_MODEL = """
SELECT model FROM entries
WHERE tenant = $1 AND scope = $2 AND revoked_at IS NULL AND answer_kind = 'generated' AND created_at > $5
  AND (model, prompt_version) IS DISTINCT FROM ($3::text, $4::text)
  AND split_part(prompt_version, '@', 1) = split_part($4::text, '@', 1) LIMIT 1
"""

REVOKE_SLOT = """
UPDATE entries SET revoked_at = $4, revoked_reason = 'replaced by a newer answer'
WHERE tenant = $1 AND scope = $2 AND form = $3 AND revoked_at IS NULL
"""

REVOKE_OTHER_MODELS = """
UPDATE entries SET revoked_at = $5, revoked_reason = 'model or prompt version changed'
WHERE tenant = $1 AND scope = $2 AND revoked_at IS NULL AND answer_kind = 'generated' AND created_at < $6
  AND (model, prompt_version) IS DISTINCT FROM ($3::text, $4::text)
  AND split_part(prompt_version, '@', 1) = split_part($4::text, '@', 1)
"""

INSERT = """
INSERT INTO entries (tenant, scope, form, answer_digest, request_id, model, prompt_version, answer_kind,
                     created_at, expires_at, grams, embedding_model, embedding, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id
"""

INSERT_LINEAGE = "INSERT INTO lineage (entry_id, tenant, document_id, content_hash) VALUES ($1, $2, $3, $4)"

# An older change that arrives late must not overwrite a newer one.
UPSERT_DOCUMENT = """
INSERT INTO documents (tenant, document_id, content_hash, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, document_id) DO UPDATE SET content_hash = excluded.content_hash, changed_at = excluded.changed_at
WHERE documents.changed_at <= excluded.changed_at RETURNING true
"""

REVOKE_BY_DOCUMENT = """
UPDATE entries SET revoked_at = $4, revoked_reason = $5
WHERE tenant = $1 AND revoked_at IS NULL AND id IN (
    SELECT entry_id FROM lineage
    WHERE tenant = $1 AND document_id = $2 AND content_hash IS DISTINCT FROM $3::text)
"""

INSERT_VETO = """
INSERT INTO vetoes (tenant, request_id, form, answer_digest, reason, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""

# Matches by request, by question and answer, or by slot and answer (feedback on a semantic hit). The answer is compared
# so that feedback on an old answer does not revoke its successor.
REVOKE_VETOED = """
UPDATE entries SET revoked_at = $7, revoked_reason = $8
WHERE tenant = $1 AND revoked_at IS NULL AND (
    request_id = $2
    OR (form = $3 AND answer_digest = $4)
    OR (scope = $5 AND form = $6 AND ($4::text IS NULL OR answer_digest = $4)))
RETURNING request_id, form, answer_digest
"""

REVOKE_FLAGGED = """
UPDATE entries SET revoked_at = $3, revoked_reason = $4
WHERE tenant = $1 AND revoked_at IS NULL AND id IN (
    SELECT entry_id FROM lineage WHERE tenant = $1 AND document_id = $2)
RETURNING request_id, form, answer_digest
"""

PURGE = "DELETE FROM entries WHERE expires_at < $1 OR revoked_at < $1"

PURGE_VETOES = "DELETE FROM vetoes WHERE created_at < $1"

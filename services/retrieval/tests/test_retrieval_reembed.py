"""A change of the embedding model on PostgreSQL: stored passages get vectors of the new model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import uuid4

import asyncpg
import numpy as np
import pytest
from septet_kit import Permanent
from septet_kit.embedding_models import TextKind
from septet_kit.migrate import Migrations, migrate
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters import rows
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.reembed import Reembedder
from septet_retrieval.ports import Vector
from structlog.testing import capture_logs

from tests.support.database import Database
from tests.support.retrieval import WordEmbedder, upsert


class NewEmbedder(WordEmbedder):
    """Another model, of an endpoint that refuses requests with some texts, or all requests."""

    model = "new"

    def __init__(self, refuses: Collection[str] = (), refuses_all: bool = False) -> None:
        super().__init__()
        self.refuses = set(refuses)
        self.refuses_all = refuses_all
        self.calls = 0

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vector:
        self.calls += 1
        if self.refuses_all or self.refuses.intersection(texts):
            raise Permanent("embeddings_rejected", "too long")
        return await super().embed(texts, kind)


@pytest.fixture
async def ingested(ingestor: Ingestor, pool: StorePool) -> list[str]:
    documents = [upsert("d1", "alpha", 1), upsert("d2", "beta", 2, tenant="acme")]
    await ingestor.ingest(documents)
    return [passage.passage_id for document in documents for passage in document.passages]


async def test_passages_of_another_model_are_found_after_they_are_embedded_again(
    ingested: list[str], store: PostgresStore
) -> None:
    new = NewEmbedder()
    (vector,) = await new.embed(["alpha"], "question")
    assert await store.nearest("default", "new", vector, 10) == []
    assert await store.cosines("default", "new", ingested, vector) == {}
    new.kinds.clear()

    assert await Reembedder(store, new).replace_all() == 2

    assert new.kinds == ["passage", "passage"]
    (hit,) = await store.nearest("default", "new", vector, 10)
    assert hit.passage.document_id == "d1"
    assert hit.score == pytest.approx(1, abs=1e-3)
    assert list(await store.cosines("default", "new", ingested, vector)) == [hit.passage_id]
    assert len(await store.nearest("acme", "new", vector, 10)) == 1


async def test_nothing_is_embedded_without_a_change(
    ingested: list[str], store: PostgresStore, embedder: WordEmbedder
) -> None:
    embedder.texts.clear()
    assert await Reembedder(store, embedder).replace_all() == 0
    assert embedder.texts == []


async def test_passage_that_changed_meanwhile_keeps_its_vector(
    ingested: list[str], store: PostgresStore, ingestor: Ingestor, embedder: WordEmbedder
) -> None:
    stale = await store.of_other_models("default", "new", 10)
    await ingestor.ingest([upsert("d1", "gamma", 3)])
    await store.replace_vectors("default", "new", stale, [np.ones(64, np.float32)])
    (vector,) = await embedder.embed(["gamma"], "passage")
    (hit,) = await store.nearest("default", embedder.model, vector, 10)
    assert hit.score == pytest.approx(1, abs=1e-3)


async def test_passages_are_kept_while_the_endpoint_is_down(
    ingested: list[str], store: PostgresStore
) -> None:
    new = NewEmbedder()
    new.down = True
    assert await Reembedder(store, new).replace_all() == 0
    new.down = False
    assert await Reembedder(store, new).replace_all() == 2


async def test_refused_passages_are_skipped(ingestor: Ingestor, store: PostgresStore) -> None:
    texts = [f"word{n}" for n in range(150)]
    await ingestor.ingest([upsert(f"d{n}", text, n + 1, tenant="acme") for n, text in enumerate(texts)])
    await ingestor.ingest([upsert("d", "alpha", 200, tenant="zeta")])
    new = NewEmbedder(refuses={"word7", "word8", "word140"})

    with capture_logs() as logs:
        assert await Reembedder(store, new).replace_all() == 148

    assert {p.passage.text for p in await store.of_other_models("acme", "new", 150)} == new.refuses
    assert await store.of_other_models("zeta", "new", 1) == []
    named = [entry["document"] for entry in logs if "refuses a passage" in entry["event"]]
    assert sorted(named) == ["d140", "d7", "d8"]


async def test_refused_texts_are_sent_once(ingestor: Ingestor, store: PostgresStore) -> None:
    await ingestor.ingest([upsert(f"d{n}", f"word{n}", n + 1) for n in range(20)])
    new = NewEmbedder(refuses={f"word{n}" for n in range(1, 20)})
    reembedder = Reembedder(store, new)
    assert await reembedder.replace_all() == 1
    new.calls = 0

    with capture_logs() as logs:
        assert await reembedder.replace_all() == 0
    assert (new.calls, logs) == (0, [])

    # The passage of a changed document keeps its id.
    await ingestor.ingest([upsert("d7", "shorter", 30)])
    assert await reembedder.replace_all() == 1
    assert new.calls == 1


async def test_texts_are_not_refused_by_an_endpoint_that_begins_to_refuse_every_text(
    ingestor: Ingestor, store: PostgresStore
) -> None:
    class Locked(NewEmbedder):
        async def embed(self, texts: Sequence[str], kind: TextKind) -> Vector:
            self.refuses_all = self.calls > 2
            return await super().embed(texts, kind)

    await ingestor.ingest([upsert(f"d{n}", f"word{n}", n + 1) for n in range(4)])
    new = Locked(refuses={"word3"})
    reembedder = Reembedder(store, new)
    await reembedder.replace_all()
    new.calls = -100
    await reembedder.replace_all()
    assert [p.passage.text for p in await store.of_other_models("default", "new", 9)] == ["word3"]


async def test_statements_for_all_passages_load_no_vectors(
    ingested: list[str], store: PostgresStore, pool: StorePool
) -> None:
    stale = await pool.fetch(rows.OF_OTHER_MODELS, "default", "new", 9, [], tenant="default")
    changed = await pool.fetch(rows.CHANGES, "default", 0, 9, tenant="default")
    assert [["embedding" in row for row in found] for found in (stale, changed)] == [[False], [False]]


async def test_the_migration_accepts_an_index_that_was_built_beforehand(database: Database) -> None:
    migrations = Migrations(f"m_{uuid4().hex[:8]}", "septet_retrieval.migrations")
    await migrate(database.owner_dsn, [migrations], "0002")
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute(
            f"CREATE INDEX CONCURRENTLY passages_model ON {migrations.schema}.passages (tenant, model)"
        )
        assert (await migrate(database.owner_dsn, [migrations]))[migrations.schema] == migrations.head
        await owner.execute(f"DROP SCHEMA {migrations.schema} CASCADE")
    finally:
        await owner.close()


async def test_an_endpoint_that_refuses_every_text_gets_two_calls_per_tenant(
    ingestor: Ingestor, store: PostgresStore
) -> None:
    await ingestor.ingest([upsert(f"d{n}", f"word{n}", n + 1) for n in range(20)])
    new = NewEmbedder(refuses_all=True)
    assert await Reembedder(store, new).replace_all() == 0
    assert new.calls == 2


async def test_passages_keep_their_vectors_while_another_model_is_in_use(
    ingested: list[str], store: PostgresStore, pool: StorePool, embedder: WordEmbedder
) -> None:
    old, new = Reembedder(store, embedder), Reembedder(store, NewEmbedder())
    await store.other_models_in_use(embedder.model, timedelta())
    assert await new.replace_all() == 0
    await pool.execute(
        "UPDATE models SET used_at = now() - interval '4 minutes' WHERE model = $1", embedder.model
    )
    assert await new.replace_all() == 2
    assert await old.replace_all() == 0
    assert await store.of_other_models("default", "new", 1) == []

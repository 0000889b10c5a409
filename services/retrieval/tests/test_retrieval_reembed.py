"""A change of the embedding model on PostgreSQL: stored passages get vectors of the new model."""

from __future__ import annotations

import numpy as np
import pytest
from septet_kit import Transient
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.reembed import Reembedder

from tests.support.retrieval import WordEmbedder, upsert


class NewEmbedder(WordEmbedder):
    """Another model."""

    model = "new"


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
    with pytest.raises(Transient):
        await Reembedder(store, new).replace_all()
    new.down = False
    assert await Reembedder(store, new).replace_all() == 2

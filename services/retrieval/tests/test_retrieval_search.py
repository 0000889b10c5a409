"""Hybrid search on PostgreSQL and tantivy, also with one side down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from septet_contracts import Ask, Embedding, RetrievalOptions
from septet_kit import Transient
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.search import Query, Searcher
from septet_retrieval.domain.query import search_text
from septet_retrieval.ports import Hit
from septet_retrieval.settings import RetrievalSettings

from tests.support.retrieval import WordEmbedder, upsert

TEXTS = {
    "deque": "A deque is a double-ended queue with fast appends.",
    "heap": "A heap is a tree where parents are smaller than children.",
    "list": "A list is a mutable sequence of items.",
}


class DownIndex(TantivyIndex):
    """A lexical side that fails or hangs."""

    hangs = False

    async def search(self, tenant: str, question: str, limit: int) -> list[Hit]:
        if self.hangs:
            await asyncio.sleep(60)
        raise Transient("lexical_unavailable", "down")


@pytest.fixture
async def searcher(
    ingestor: Ingestor, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> Searcher:
    await ingestor.ingest([upsert(name, text, n) for n, (name, text) in enumerate(TEXTS.items())])
    embedder.texts.clear()
    return Searcher(store, index, embedder, RetrievalSettings())


def ask(text: str = "what is a deque", embedding: Embedding | None = None, **options: object) -> Query:
    return Query("default", text, RetrievalOptions.model_validate(options), embedding)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
@pytest.mark.parametrize("fusion", ["rrf", "convex"])
async def test_each_mode_and_fusion_finds_the_passage(searcher: Searcher, mode: str, fusion: str) -> None:
    found = await searcher.search(ask(mode=mode, fusion=fusion))
    best = found.passages[0]
    assert best.document_id == "deque"
    assert (best.lexical_rank is not None) == (mode != "dense")
    assert (best.dense_rank is not None) == (mode != "lexical")
    assert (found.info.mode, found.info.fusion, found.degraded) == (mode, fusion, ())
    assert (found.embedding is not None) == (mode != "lexical")


async def test_k_limits_the_passages_and_similarity_is_the_cosine(
    searcher: Searcher, embedder: WordEmbedder
) -> None:
    found = await searcher.search(ask(k=2))
    assert len(found.passages) == 2
    question, text = await embedder.embed(["what is a deque", TEXTS["deque"]], "question")
    assert found.passages[0].similarity == pytest.approx(float(question @ text), abs=2e-3)


async def test_a_given_embedding_is_used_only_if_its_model_matches(
    searcher: Searcher, embedder: WordEmbedder
) -> None:
    heap = tuple(float(x) for x in (await embedder.embed([TEXTS["heap"]], "question"))[0])
    embedder.texts.clear()
    found = await searcher.search(ask(mode="dense", embedding=Embedding.of("words", heap)))
    assert found.passages[0].document_id == "heap"
    assert embedder.texts == []
    await searcher.search(ask(mode="dense", embedding=Embedding.of("other", (1.0, 0.0))))
    assert embedder.texts == ["what is a deque"]


async def test_without_the_dense_side_the_result_is_degraded(
    searcher: Searcher, embedder: WordEmbedder
) -> None:
    embedder.down = True
    found = await searcher.search(ask())
    assert found.passages[0].document_id == "deque"
    assert found.degraded == ("retrieval.dense",)
    assert found.embedding is None


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_the_lexical_side_the_result_is_degraded(
    searcher: Searcher, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder, hangs: bool
) -> None:
    down = DownIndex(index._root)
    down.hangs = hangs
    settings = RetrievalSettings(side_timeout=timedelta(seconds=0.3))
    found = await Searcher(store, down, embedder, settings).search(ask())
    assert found.passages[0].document_id == "deque"
    assert found.degraded == ("retrieval.lexical",)


@pytest.mark.parametrize(
    ("mode", "named"), [("hybrid", "lexical.*dense"), ("lexical", "lexical"), ("dense", "dense")]
)
async def test_a_search_without_any_side_is_transient(
    store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder, mode: str, named: str
) -> None:
    embedder.down = True
    searcher = Searcher(store, DownIndex(index._root), embedder, RetrievalSettings())
    with pytest.raises(Transient, match=named) as caught:
        await searcher.search(ask(mode=mode))
    assert caught.value.code == "retrieval_unavailable"


class Slow(PostgresStore):
    async def nearest(self, *args: object) -> list[Hit]:  # type: ignore[override]
        await asyncio.sleep(0.2)
        return []


class SlowIndex(TantivyIndex):
    async def search(self, *args: object) -> list[Hit]:  # type: ignore[override]
        await asyncio.sleep(0.2)
        return []


async def test_both_sides_are_searched_concurrently(
    store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> None:
    searcher = Searcher(Slow(store._pool), SlowIndex(index._root), embedder, RetrievalSettings())
    started = asyncio.get_running_loop().time()
    found = await searcher.search(ask())
    assert asyncio.get_running_loop().time() - started < 0.35
    assert found.passages == ()


async def test_a_search_in_an_empty_tenant_finds_nothing(searcher: Searcher) -> None:
    found = await searcher.search(Query("nobody", "what is a deque", RetrievalOptions()))
    assert (found.passages, found.info.lexical_hits, found.info.dense_hits) == ((), 0, 0)


async def test_a_question_in_an_unsupported_script_is_ranked_by_words(
    ingestor: Ingestor, searcher: Searcher
) -> None:
    texts: Sequence[str] = ["서울은 대한민국의 수도이다.", "부산은 항구 도시이다."]
    await ingestor.ingest([upsert(f"ko{n}", text, 10 + n) for n, text in enumerate(texts)])
    found = await searcher.search(ask("대한민국의 수도는 어디인가요?"))
    assert found.passages[0].document_id == "ko0"


def test_placeholders_of_masked_data_are_not_searched_for() -> None:
    assert "EMAIL" not in search_text(Ask(question="I am <EMAIL_1>. What is a deque?"))

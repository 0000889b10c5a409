"""Ingest on PostgreSQL and tantivy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from septet_kit import Permanent, Transient
from septet_kit.embedding_models import TextKind
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.ingest import Incoming, Ingested, Ingestor
from septet_retrieval.domain.revisions import Decision
from septet_retrieval.housekeeping import IndexFollower

from tests.support.retrieval import START, WordEmbedder, delete, upsert

TWO = "\n\n".join(["alpha " * 130, "beta " * 130])


async def one(ingestor: Ingestor, incoming: Incoming) -> Ingested:
    (result,) = await ingestor.ingest([incoming])
    return result


async def lexical(index: TantivyIndex, word: str, tenant: str = "default") -> set[str]:
    return {hit.passage.document_id for hit in await index.search(tenant, word, 100)}


async def dense(
    store: PostgresStore, embedder: WordEmbedder, text: str, tenant: str = "default"
) -> list[str]:
    hits = await store.nearest(tenant, embedder.model, (await embedder.embed([text], "question"))[0], 100)
    return [hit.passage.document_id for hit in hits]


async def test_a_new_document_is_searchable_on_both_sides(
    ingestor: Ingestor, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> None:
    result = await one(ingestor, upsert("d1", TWO, 1, title="Greek"))
    assert (result.state.change, result.state.passages, result.state.embedded) == ("created", 2, 2)
    assert await lexical(index, "beta") == {"d1"}
    assert set(await dense(store, embedder, "beta")) == {"d1"}


async def test_an_unchanged_document_is_neither_embedded_nor_written(
    ingestor: Ingestor, embedder: WordEmbedder
) -> None:
    first = await one(ingestor, upsert("d1", TWO, 1))
    embedder.texts.clear()
    again = await one(ingestor, upsert("d1", TWO, 2))
    assert again.decision is Decision.UNCHANGED
    assert again.state.sequence == first.state.sequence
    assert embedder.texts == []


async def test_only_changed_passages_are_embedded(ingestor: Ingestor, embedder: WordEmbedder) -> None:
    await one(ingestor, upsert("d1", TWO, 1))
    embedder.texts.clear()
    result = await one(ingestor, upsert("d1", TWO.replace("beta", "gamma"), 2))
    assert (result.state.change, result.state.passages, result.state.embedded) == ("updated", 2, 1)
    assert len(embedder.texts) == 1
    assert "gamma" in embedder.texts[0]


async def test_an_update_removes_the_old_text(
    ingestor: Ingestor, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> None:
    await one(ingestor, upsert("d1", TWO, 1))
    result = await one(ingestor, upsert("d1", "alpha only", 2))
    assert result.state.previous_hash != result.state.content_hash
    assert await lexical(index, "beta") == set()
    assert await dense(store, embedder, "beta") == ["d1"]


async def test_a_deletion_applies_to_both_sides_and_is_idempotent(
    ingestor: Ingestor, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> None:
    await one(ingestor, upsert("d1", TWO, 1))
    gone = await one(ingestor, delete("d1", 2))
    assert (gone.state.change, gone.state.content_hash, gone.state.passages) == ("deleted", None, 0)
    assert gone.state.previous_hash is not None
    assert await lexical(index, "alpha") == set()
    assert await dense(store, embedder, "alpha") == []
    assert (await one(ingestor, delete("d1", 2))).decision is Decision.REPEAT
    assert (await one(ingestor, delete("d9", 3))).state.change == "deleted"


async def test_lower_revisions_are_ignored_even_after_a_deletion(
    ingestor: Ingestor, index: TantivyIndex
) -> None:
    await one(ingestor, upsert("d1", "new text", 1, revision=5))
    assert (await one(ingestor, upsert("d1", "old text", 2, revision=4))).decision is Decision.STALE
    await one(ingestor, delete("d1", 3, revision=6))
    assert (await one(ingestor, upsert("d1", "old text", 4, revision=5))).decision is Decision.STALE
    assert await lexical(index, "text") == set()


async def test_an_unchanged_event_still_raises_the_revision(ingestor: Ingestor) -> None:
    await one(ingestor, upsert("d1", "text", 1, revision=1))
    await one(ingestor, upsert("d1", "text", 2, revision=9))
    assert (await one(ingestor, upsert("d1", "other", 3, revision=8))).decision is Decision.STALE


async def test_a_replay_ends_in_the_same_state_and_repeats_the_last_event(ingestor: Ingestor) -> None:
    first, second = upsert("d1", "first", 1), upsert("d1", "second", 2)
    await one(ingestor, first)
    announced = await one(ingestor, second)
    assert (await one(ingestor, first)).decision is Decision.STALE
    again = await one(ingestor, second)
    assert again.decision is Decision.REPEAT
    assert again.state == announced.state


async def test_concurrent_events_share_embedding_calls(ingestor: Ingestor, index: TantivyIndex) -> None:
    worker = asyncio.create_task(ingestor.run())
    events = [upsert(f"d{n}", f"text number{n}", n) for n in range(40)]
    results = await asyncio.gather(*(ingestor.submit(event) for event in events))
    worker.cancel()
    assert [result.state.change for result in results] == ["created"] * 40
    assert len(await lexical(index, "text")) == 40


async def test_concurrent_events_of_one_document_are_applied_in_order(
    ingestor: Ingestor, index: TantivyIndex
) -> None:
    worker = asyncio.create_task(ingestor.run())
    events = [upsert("d1", f"text version{n}", n) for n in range(5)]
    results = await asyncio.gather(*(ingestor.submit(event) for event in events))
    worker.cancel()
    assert [result.state.change for result in results] == ["created", *["updated"] * 4]
    assert await lexical(index, "version4") == {"d1"}
    assert await lexical(index, "version3") == set()


class PoisonedEmbedder(WordEmbedder):
    """Rejects batches that contain the word ``poison``."""

    async def embed(self, texts: list[str], kind: TextKind) -> object:  # type: ignore[override]
        if any("poison" in text for text in texts):
            raise Permanent("embeddings_rejected", "no")
        return await super().embed(texts, kind)


async def test_a_bad_document_fails_alone(store: PostgresStore, follower: IndexFollower) -> None:
    ingestor = Ingestor(store, PoisonedEmbedder(), follower, batch=16)
    events = [upsert("good", "fine text", 1), upsert("bad", "poison", 2), upsert("other", "fine text", 3)]
    results = asyncio.gather(*(ingestor.submit(event) for event in events), return_exceptions=True)
    worker = asyncio.create_task(ingestor.run())
    good, bad, other = await results
    worker.cancel()
    assert isinstance(bad, Permanent)
    assert isinstance(good, Ingested)
    assert isinstance(other, Ingested)


async def test_an_outage_of_the_embedder_is_transient_and_stores_nothing(
    ingestor: Ingestor, store: PostgresStore, embedder: WordEmbedder
) -> None:
    embedder.down = True
    with pytest.raises(Transient):
        await ingestor.ingest([upsert("d1", "text", 1)])
    assert await store.states([("default", "d1")]) == {}


async def test_a_long_document_is_embedded_in_slices(store: PostgresStore, follower: IndexFollower) -> None:
    sizes: list[int] = []

    class Counting(WordEmbedder):
        async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
            sizes.append(len(texts))
            return await super().embed(texts, kind)

    text = "\n\n".join(f"word{n} " * 100 for n in range(300))
    result = await one(Ingestor(store, Counting(), follower, batch=16), upsert("long", text, 1))
    assert result.state.embedded == result.state.passages == sum(sizes) == 300
    assert max(sizes) <= 128


async def test_a_concurrently_changed_state_is_not_overwritten(
    ingestor: Ingestor, store: PostgresStore, embedder: WordEmbedder
) -> None:
    await one(ingestor, upsert("d1", "text", 1))
    states = await store.states([("default", "d1")])
    await one(ingestor, upsert("d1", "newer", 2))
    with pytest.raises(Transient, match="changed concurrently"):
        await ingestor._apply([upsert("d1", "late", 3)], states)


async def test_tenants_are_isolated(
    ingestor: Ingestor, store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder
) -> None:
    await ingestor.ingest([upsert("d1", "secret plans", 1), upsert("d1", "public plans", 1, tenant="globex")])
    assert (await index.search("globex", "plans", 10))[0].passage.text == "public plans"
    hits = await store.nearest("globex", embedder.model, (await embedder.embed(["plans"], "question"))[0], 10)
    assert [hit.passage.text for hit in hits] == ["public plans"]
    await one(ingestor, delete("d1", 2))
    assert await lexical(index, "plans", "globex") == {"d1"}


async def test_a_small_tenant_is_found_among_many(
    ingestor: Ingestor, store: PostgresStore, embedder: WordEmbedder
) -> None:
    crowd = [upsert(f"c{n}", f"queue number {n}", n, tenant="crowd") for n in range(300)]
    await ingestor.ingest(crowd)
    await ingestor.ingest([upsert("mine", "queue", 1, tenant="small")])
    assert await dense(store, embedder, "queue", "small") == ["mine"]


async def test_a_lost_lexical_index_is_rebuilt_from_the_store(
    ingestor: Ingestor, store: PostgresStore, tmp_path: Path
) -> None:
    await ingestor.ingest([upsert(f"d{n}", f"text number{n}", n) for n in range(5)])
    await one(ingestor, delete("d0", 9))
    fresh = TantivyIndex(tmp_path / "elsewhere")
    follower = IndexFollower(store, fresh, START - START)
    assert await follower.catch_up() == 5
    assert await lexical(fresh, "text") == {"d1", "d2", "d3", "d4"}
    assert await follower.catch_up() == 0
    await fresh.close()


async def test_writes_of_another_process_are_followed(
    ingestor: Ingestor, store: PostgresStore, tmp_path: Path
) -> None:
    other = TantivyIndex(tmp_path / "other")
    follower = IndexFollower(store, other, START - START)
    await one(ingestor, upsert("d1", "text", 1))
    await follower.catch_up()
    await one(ingestor, delete("d1", 2))
    await follower.catch_up()
    assert await lexical(other, "text") == set()
    await other.close()


async def test_the_sequence_rises_with_every_change(ingestor: Ingestor, pool: StorePool) -> None:
    await ingestor.ingest([upsert("d1", "a", 1), upsert("d2", "b", 2)])
    await one(ingestor, upsert("d1", "c", 3))
    rows = await pool.fetch("SELECT document_id FROM documents ORDER BY sequence", tenant=ALL_TENANTS)
    assert [row["document_id"] for row in rows] == ["d2", "d1"]

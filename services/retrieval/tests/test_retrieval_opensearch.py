"""The OpenSearch adapter: template, analysis, versions, refreshes, rejected documents."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from septet_kit import Permanent, Transient
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.locks import PostgresLocks
from septet_retrieval.adapters.opensearch import Cluster, layout
from septet_retrieval.adapters.opensearch.versions import Versions
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.domain.words import PARTICLES, QUESTION_WORDS, STOP_WORDS
from septet_retrieval.housekeeping import IndexFollower
from septet_retrieval.ports import DocumentPassages
from septet_retrieval.settings import OpenSearchSettings

from tests.support.opensearch import temporary_cluster
from tests.support.retrieval import WordEmbedder, delete, upsert

needs_server = pytest.mark.skipif(
    "SEPTET_OPENSEARCH_URL" not in os.environ, reason="SEPTET_OPENSEARCH_URL is not set"
)
INFRA = Path(__file__).parents[3] / "infra" / "opensearch" / "passages.template.json"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with temporary_cluster(search_timeout=timedelta(seconds=20)) as made:
        yield made


def change(document_id: str, text: str, sequence: int, tenant: str = "acme") -> DocumentPassages:
    return DocumentPassages(document_id, sequence, to_passages(Document(tenant, document_id, text), Limits()))


async def found(cluster: Cluster, question: str, tenant: str = "acme") -> set[str]:
    return {hit.passage.document_id for hit in await cluster.index().search(tenant, question, 100)}


def test_the_template_in_infra_is_the_packaged_one() -> None:
    packaged = (files("septet_retrieval.adapters.opensearch") / "template.json").read_text("utf-8")
    assert INFRA.is_symlink()
    assert INFRA.read_text("utf-8") == packaged


def test_the_template_has_the_domains_word_lists() -> None:
    made = layout.template(OpenSearchSettings(index="x"))
    filters = made["template"]["settings"]["index"]["analysis"]["filter"]
    assert set(filters["stop_words"]["stopwords"]) == STOP_WORDS
    assert set(filters["question_words"]["stopwords"]) == QUESTION_WORDS
    assert f"(?:{'|'.join(PARTICLES)})$" in filters["particles"]["pattern"]
    assert made["index_patterns"] == ["x-v*"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"number_of_shards": 1, "auto_expand_replicas": "0-1"}),
        ({"shards": 3, "replicas": 2}, {"number_of_shards": 3, "number_of_replicas": 2}),
    ],
)
def test_shards_and_replicas_come_from_the_settings(settings: Any, expected: dict[str, object]) -> None:
    index = layout.template(OpenSearchSettings(**settings))["template"]["settings"]["index"]
    assert {key: value for key, value in index.items() if "number" in key or "replicas" in key} == expected


def test_several_urls_and_a_hidden_password() -> None:
    settings = OpenSearchSettings(url="https://a:9200, https://b:9200", user="u", password=SecretStr("hush"))
    assert settings.hosts == ["https://a:9200", "https://b:9200"]
    assert "hush" not in repr(settings)


def test_the_password_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "septet_opensearch_password").write_text("hush")
    monkeypatch.setenv("SEPTET_SECRETS_DIR", str(tmp_path))
    password = OpenSearchSettings().password
    assert password is not None
    assert password.get_secret_value() == "hush"


@needs_server
async def test_the_alias_points_to_the_first_version(cluster: Cluster) -> None:
    await cluster.index().check()
    first = cluster.versions.name(1)
    assert await cluster.versions.current() == first
    assert await cluster.versions.layout_of(first) == layout.layout_version()
    mapping = await cluster.calls("get", first, lambda client: client.indices.get_mapping(index=first))
    assert mapping[first]["mappings"]["_routing"] == {"required": True}


@needs_server
async def test_concurrent_starts_create_one_version(cluster: Cluster) -> None:
    others = [Versions(cluster.calls, cluster.settings) for _ in range(4)]
    await asyncio.gather(*(each.ensure() for each in others))
    assert await cluster.versions.all() == [cluster.versions.name(1)]


@needs_server
async def test_an_index_with_the_aliass_name_is_rejected_with_a_fix(cluster: Cluster) -> None:
    alias = cluster.versions.alias
    await cluster.calls("create", alias, lambda client: client.indices.create(index=alias))
    try:
        with pytest.raises(Permanent) as caught:
            await cluster.index().check()
    finally:
        await cluster.calls("delete", alias, lambda client: client.indices.delete(index=alias))
    assert caught.value.code == "lexical_alias_taken"
    assert alias in (caught.value.fix or "")


@needs_server
async def test_a_lost_index_is_recreated_and_filled_from_the_store(
    cluster: Cluster, store: PostgresStore, embedder: WordEmbedder
) -> None:
    follower = IndexFollower(store, cluster.index(), timedelta(seconds=1))
    ingestor = Ingestor(store, embedder, follower, batch=16)
    await ingestor.ingest([upsert("d1", "a deque", 1, tenant="acme")])
    await cluster.versions.drop(cluster.versions.name(1))
    seen: set[str] = set()
    async with asyncio.timeout(30):
        while seen != {"d1"}:
            seen = await found_or_lost(cluster, follower)
    assert await cluster.versions.current() == cluster.versions.name(1)


async def found_or_lost(cluster: Cluster, follower: IndexFollower) -> set[str]:
    try:
        await follower.catch_up()
        return await found(cluster, "deque")
    except Transient:
        return set()


@needs_server
async def test_other_clients_can_search_with_plain_text(cluster: Cluster) -> None:
    text = "The dog's running to the cities. 대한민국의 수도는 서울이다."
    await cluster.index().apply("acme", [change("d1", text, 1)], 1)
    alias = cluster.versions.alias
    for words in ("cities", "a city", "dogs run", "수도", "서울은", "대한민국"):
        body = {"query": {"match": {"body": words}}}
        response = await cluster.calls(
            "search", alias, lambda client, body=body: client.search(index=alias, body=body)
        )
        (hit,) = response["hits"]["hits"]
        assert (hit["_source"]["tenant"], hit["_source"]["text"], hit["_routing"]) == ("acme", text, "acme")


@needs_server
@pytest.mark.parametrize(
    ("analyzer", "text", "terms"),
    [
        ("passage", "The dog's running to the Cities.", ["dog", "run", "citi"]),
        ("passage", "functools.lru_cache", ["functools.lru_cach", "functool", "lru", "cach"]),
        ("passage", "ＡＰＩ", ["api"]),
        ("passage", "대한민국의 수도", ["대한", "한민", "민국", "국의", "수도"]),
        ("passage", "東京都", ["東京", "京都"]),
        ("question", "What is a deque?", ["dequ"]),
        ("question", "수도는 어디인가요?", ["수도", "도는"]),
        ("korean_stem", "대한민국의 수도는 Seoul", ["대한민국", "수도"]),
        ("korean_stem_question", "수도는 어디인가요?", ["수도"]),
    ],
)
async def test_the_server_analyses_english_korean_and_identifiers(
    cluster: Cluster, analyzer: str, text: str, terms: list[str]
) -> None:
    await cluster.index().check()
    alias, body = cluster.versions.alias, {"analyzer": analyzer, "text": text}
    response = await cluster.calls(
        "analyze", alias, lambda client: client.indices.analyze(index=alias, body=body)
    )
    assert [token["token"] for token in response["tokens"]] == terms


@needs_server
async def test_concurrent_writers_share_the_scheduled_refresh(cluster: Cluster) -> None:
    index = cluster.index()
    await index.check()
    version = cluster.versions.name(1)
    interval = layout.template(cluster.settings)["template"]["settings"]["index"]["refresh_interval"]
    assert interval.endswith("ms")
    assert int(interval.removesuffix("ms")) < 1000
    tenants = [f"tenant{n}" for n in range(40)]

    async def add(tenant: str) -> None:
        await index.apply(tenant, [change("d1", "a deque", 1, tenant)], 1)
        assert await found(cluster, "deque", tenant) == {"d1"}

    await asyncio.gather(*map(add, tenants))
    stats = await cluster.calls(
        "stats", version, lambda client: client.indices.stats(index=version, metric="refresh")
    )
    assert stats["indices"][version]["primaries"]["refresh"]["total"] < len(tenants)


@needs_server
async def test_a_tenants_passages_are_in_one_shard() -> None:
    async with temporary_cluster(shards=4) as cluster:
        for tenant in ("acme", "globex"):
            changes = [change(f"d{n}", "a deque", n + 1, tenant) for n in range(20)]
            await cluster.index().apply(tenant, changes, 20)
        version = cluster.versions.name(1)
        stats = await cluster.calls(
            "stats",
            version,
            lambda client: client.indices.stats(index=version, metric="docs", level="shards"),
        )
        shards = stats["indices"][version]["shards"].values()
        counts = [copies[0]["docs"]["count"] for copies in shards]
        assert all(count % 21 == 0 for count in counts)
        assert await found(cluster, "deque") == {f"d{n}" for n in range(20)}


class SlowStore(PostgresStore):
    """Reads changes and then waits before it returns them."""

    def __init__(self, pool: StorePool) -> None:
        super().__init__(pool)
        self.read, self.resume = asyncio.Event(), asyncio.Event()

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        found = await super().changes(tenant, after, limit)
        self.read.set()
        await self.resume.wait()
        return found


@needs_server
async def test_a_slow_process_does_not_restore_a_deleted_document(
    cluster: Cluster, store: PostgresStore, embedder: WordEmbedder, pool: StorePool
) -> None:
    lock, second = PostgresLocks(pool).apply_lock, timedelta(seconds=1)
    slow_store = SlowStore(pool)
    slow = Ingestor(slow_store, embedder, IndexFollower(slow_store, cluster.index(), second, lock), batch=16)
    quick = Ingestor(store, embedder, IndexFollower(store, cluster.index(), second, lock), batch=16)
    created = asyncio.create_task(slow.ingest([upsert("d1", "a deque", 1, tenant="acme")]))
    await slow_store.read.wait()
    deleted = asyncio.create_task(quick.ingest([delete("d1", 2, tenant="acme")]))
    await asyncio.wait([deleted], timeout=2)
    slow_store.resume.set()
    await asyncio.gather(created, deleted)
    alias = cluster.versions.alias
    await cluster.calls("refresh", alias, lambda client: client.indices.refresh(index=alias))
    assert await found(cluster, "deque") == set()


@needs_server
async def test_only_the_document_that_the_mapping_rejects_fails(
    cluster: Cluster, store: PostgresStore, embedder: WordEmbedder, pool: StorePool
) -> None:
    first = cluster.versions.name(1)
    # A mapping that was changed by hand: titles must be dates.
    body = {
        "aliases": {cluster.versions.alias: {"is_write_index": True}},
        "mappings": {"properties": {"title": {"type": "date"}}},
    }
    await cluster.versions.put_template()
    await cluster.calls("create", first, lambda client: client.indices.create(index=first, body=body))
    locks = PostgresLocks(pool)
    follower = IndexFollower(store, cluster.index(), timedelta(seconds=1), locks.apply_lock)
    ingestor = Ingestor(store, embedder, follower, batch=16)
    running = asyncio.create_task(ingestor.run())
    try:
        good, bad, later = await asyncio.gather(
            ingestor.submit(upsert("good", "a deque", 1, title="2026-01-01", tenant="acme")),
            ingestor.submit(upsert("bad", "a deque", 2, title="no date", tenant="acme")),
            ingestor.submit(upsert("later", "a deque", 3, title="2026-01-02", tenant="acme")),
            return_exceptions=True,
        )
    finally:
        running.cancel()
    assert isinstance(bad, Permanent)
    assert bad.code == "lexical_rejected"
    assert "bad" in bad.message
    assert not isinstance(good, BaseException)
    assert not isinstance(later, BaseException)
    assert await found(cluster, "deque") == {"good", "later"}
    assert await store.pending("acme", await cluster.index().position("acme")) == 0

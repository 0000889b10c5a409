"""A paused or killed OpenSearch server: searches return degraded results and recover."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from septet_contracts import RetrievalOptions
from septet_kit import Transient
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.locks import PostgresLocks
from septet_retrieval.adapters.opensearch import Cluster, connect
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.search import Query, Searcher, SearchResult
from septet_retrieval.housekeeping import IndexFollower
from septet_retrieval.settings import OpenSearchSettings, RetrievalSettings

from tests.support.retrieval import WordEmbedder, delete, upsert

if TYPE_CHECKING:
    from septet_native.processes.process import Process
    from septet_native.servers.opensearch import OpenSearch

pytestmark = pytest.mark.skipif(
    "SEPTET_OPENSEARCH_URL" not in os.environ, reason="SEPTET_OPENSEARCH_URL is not set"
)
TIMEOUT_S = 120


@dataclass
class Node:
    """A server that the tests may stop."""

    server: OpenSearch
    process: Process
    run_dir: Path

    async def start(self) -> None:
        """Start the server on its existing data and wait until it is ready."""
        from septet_native.processes.process import Process

        self.process = await Process.spawn(self.server.command(), self.run_dir)
        await until(self.server.probe)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait at most two minutes for a condition."""
    met = False
    async with asyncio.timeout(TIMEOUT_S):
        while not met:
            await asyncio.sleep(0.1)
            met = await condition()


@pytest.fixture(scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    from septet_native.errors import ToolMissing
    from septet_native.packages.cache import cache_root
    from septet_native.packages.jdk import find_jdk
    from septet_native.processes.ports import free_port
    from septet_native.processes.process import Process
    from septet_native.servers.opensearch import OpenSearch
    from septet_native.servers.server import Places

    try:
        jdk = find_jdk(21)
    except ToolMissing as error:
        pytest.skip(error.message)
    root = tmp_path_factory.mktemp("outage")
    server = OpenSearch(Places(root, cache_root(None)), free_port(), free_port(), jdk)
    await server.prepare(lambda _: None)
    made = Node(server, await Process.spawn(server.command(), root / "run"), root / "run")
    try:
        await until(server.probe)
        yield made
    finally:
        if made.process.returncode is None:
            made.signal(signal.SIGCONT)
        await made.process.stop()


@pytest.fixture
async def cluster(node: Node) -> AsyncIterator[Cluster]:
    settings = OpenSearchSettings(
        url=node.server.url,
        timeout=timedelta(seconds=5),
        search_timeout=timedelta(seconds=1),
        breaker_failures=2,
        breaker_pause=timedelta(seconds=1),
    )
    async with connect(settings) as made:
        yield made
        for version in await made.versions.all():
            await made.versions.drop(version)


@pytest.fixture
def follower(store: PostgresStore, cluster: Cluster, pool: StorePool) -> IndexFollower:
    locks = PostgresLocks(pool)
    return IndexFollower(store, cluster.index(), timedelta(seconds=0.5), locks.apply_lock)


@pytest.fixture
async def searcher(
    ingestor: Ingestor,
    follower: IndexFollower,
    store: PostgresStore,
    cluster: Cluster,
    embedder: WordEmbedder,
) -> AsyncIterator[Searcher]:
    """The searching half of the service, on two documents, with the follower in the background."""
    await ingestor.ingest([upsert("deque", "a deque is a queue", 1), upsert("heap", "a heap is a tree", 2)])
    following = asyncio.create_task(follower.run())
    yield Searcher(store, cluster.index(), embedder, RetrievalSettings())
    following.cancel()


async def ask(searcher: Searcher, text: str = "what is a deque", mode: str = "hybrid") -> SearchResult:
    return await searcher.search(Query("default", text, RetrievalOptions.model_validate({"mode": mode})))


def whole(searcher: Searcher) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return (await ask(searcher)).degraded == ()

    return condition


async def degraded_results(searcher: Searcher) -> None:
    """Every search returns degraded results; the circuit breaker opens after two failures."""
    for _ in range(4):
        found = await ask(searcher)
        assert found.passages[0].document_id == "deque"
        assert found.degraded == ("retrieval.lexical",)
    with pytest.raises(Transient):
        await ask(searcher, mode="lexical")


async def test_a_paused_server_degrades_results_until_it_resumes(node: Node, searcher: Searcher) -> None:
    assert (await ask(searcher)).degraded == ()
    node.signal(signal.SIGSTOP)
    try:
        await degraded_results(searcher)
    finally:
        node.signal(signal.SIGCONT)
    await until(whole(searcher))


async def test_a_killed_server_degrades_results_and_catches_up_after_a_restart(
    node: Node, searcher: Searcher, ingestor: Ingestor, cluster: Cluster
) -> None:
    node.signal(signal.SIGKILL)
    await node.process.wait()
    await degraded_results(searcher)
    with pytest.raises(Transient):
        await ingestor.ingest([upsert("list", "a list is a sequence", 3), delete("heap", 4)])
    found = await ask(searcher, "what is a list")
    assert found.passages[0].document_id == "list"
    assert found.degraded == ("retrieval.lexical",)
    await node.start()
    await until(whole(searcher))

    async def level() -> bool:
        hits = await cluster.index().search("default", "list heap", 10)
        return {hit.passage.document_id for hit in hits} == {"list"}

    await until(level)


async def test_a_service_that_starts_without_the_server_creates_the_index_later(
    node: Node, store: PostgresStore, embedder: WordEmbedder, ingestor: Ingestor, cluster: Cluster
) -> None:
    await ingestor.ingest([upsert("deque", "a deque is a queue", 1)])
    node.signal(signal.SIGSTOP)
    try:
        async with connect(cluster.settings) as late:
            searcher = Searcher(store, late.index(), embedder, RetrievalSettings())
            await degraded_results(searcher)
            node.signal(signal.SIGCONT)
            await until(whole(searcher))
    finally:
        node.signal(signal.SIGCONT)

"""A re-index on OpenSearch and PostgreSQL, with concurrent writes and searches."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from septet_kit import Permanent
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.locks import PostgresLocks
from septet_retrieval.adapters.opensearch import Cluster
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.reindex import Options, Progress, Reindexer
from septet_retrieval.housekeeping import IndexFollower

from tests.support.database import Database
from tests.support.opensearch import temporary_cluster
from tests.support.retrieval import DIMENSIONS, WordEmbedder, delete, upsert

pytestmark = pytest.mark.skipif(
    "SEPTET_OPENSEARCH_URL" not in os.environ, reason="SEPTET_OPENSEARCH_URL is not set"
)

STABLE = 60
QUICK = Options(batch=7, grace=timedelta(0))


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with temporary_cluster() as made:
        yield made


@pytest.fixture
def locks(pool: StorePool) -> PostgresLocks:
    return PostgresLocks(pool)


@pytest.fixture
def service(store: PostgresStore, cluster: Cluster, locks: PostgresLocks, embedder: WordEmbedder) -> Ingestor:
    """The ingest part of the service."""
    follower = IndexFollower(store, cluster.index(), timedelta(seconds=1), locks.apply_lock)
    return Ingestor(store, embedder, follower, batch=16)


@pytest.fixture
async def stable(service: Ingestor) -> list[str]:
    """Documents of two tenants that exist during the whole test."""
    names = [f"stable{n}" for n in range(STABLE)]
    await service.ingest([upsert(name, f"shared words of {name}", n) for n, name in enumerate(names)])
    await service.ingest([upsert("other", "shared words", 0, tenant="globex")])
    return names


def reindexer(store: PostgresStore, cluster: Cluster, locks: PostgresLocks) -> Reindexer:
    return Reindexer(store, cluster, locks, QUICK)


def ignore(_: Progress) -> None:
    """Discard the progress."""


async def found(cluster: Cluster, question: str, tenant: str = "default") -> set[str]:
    return {hit.passage.document_id for hit in await cluster.index().search(tenant, question, 1000)}


async def test_a_run_moves_the_alias_to_a_complete_copy(
    store: PostgresStore, cluster: Cluster, locks: PostgresLocks, stable: list[str]
) -> None:
    reported: list[Progress] = []
    done = await reindexer(store, cluster, locks).run(reported.append)
    assert (done.before, done.version) == (cluster.versions.name(1), cluster.versions.name(2))
    assert await cluster.versions.all() == [done.version]
    assert await cluster.versions.current() == done.version
    assert await found(cluster, "shared words") == set(stable)
    assert await found(cluster, "shared words", "globex") == {"other"}
    assert (reported[0].done, reported[-1].done, reported[-1].total) == (0, STABLE + 1, STABLE + 1)
    assert [each.done for each in reported] == sorted(each.done for each in reported)


async def test_searches_are_complete_during_writes_and_a_re_index(
    store: PostgresStore, cluster: Cluster, locks: PostgresLocks, service: Ingestor, stable: list[str]
) -> None:
    present: set[str] = set(stable)
    gone: set[str] = set()
    searches: asyncio.Queue[int] = asyncio.Queue()
    stop = asyncio.Event()

    async def write() -> None:
        offset = 1000
        while not stop.is_set():
            offset += 1
            name = f"moving{offset}"
            await service.ingest([upsert(name, f"shared words of {name}", offset)])
            present.add(name)
            if offset % 3 == 0:
                victim = f"moving{offset - 2}"
                present.discard(victim)
                await service.ingest([delete(victim, offset)])
                gone.add(victim)

    async def search() -> None:
        while not stop.is_set():
            due, dead = set(present), set(gone)
            seen = await found(cluster, "shared words")
            # Documents written or deleted during the search may be in the result or not.
            assert due - seen <= due - present, "a document is missing"
            assert not seen & dead, "a deleted document is back"
            searches.put_nowait(len(seen))

    async def rebuild() -> None:
        try:
            for _ in range(2):
                await reindexer(store, cluster, locks).run(ignore)
                for _ in range(searches.qsize() + 5):
                    await searches.get()
        finally:
            stop.set()

    async with asyncio.timeout(200), asyncio.TaskGroup() as group:
        for work in (write, search, rebuild):
            group.create_task(work())
    assert gone
    assert len(present) > STABLE
    assert await cluster.versions.current() == cluster.versions.name(3)
    assert await found(cluster, "shared words") == present


class LateLocks(PostgresLocks):
    """Writes a document after the last copy and before the alias lock."""

    def __init__(self, pool: StorePool, service: Ingestor) -> None:
        super().__init__(pool)
        self._service = service

    @asynccontextmanager
    async def alias_lock(self) -> AsyncIterator[None]:
        await self._service.ingest([upsert("late", "shared words", 2000), delete("stable0", 2001)])
        async with super().alias_lock():
            yield


async def test_searchable_documents_stay_searchable_after_the_move(
    store: PostgresStore, cluster: Cluster, pool: StorePool, service: Ingestor, stable: list[str]
) -> None:
    await reindexer(store, cluster, LateLocks(pool, service)).run(ignore)
    assert await found(cluster, "shared words") == {"late", *stable[1:]}


async def test_no_changes_are_applied_while_the_alias_moves(
    store: PostgresStore,
    cluster: Cluster,
    locks: PostgresLocks,
    service: Ingestor,
    stable: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish = cluster.versions.publish
    late: list[asyncio.Task[Any]] = []

    async def publish_late(version: str) -> str | None:
        late.append(asyncio.create_task(service.ingest([upsert("late", "shared words", 2000)])))
        await asyncio.wait(late, timeout=3)
        assert not late[0].done(), "applied to the previous version"
        return await publish(version)

    monkeypatch.setattr(cluster.versions, "publish", publish_late)
    await reindexer(store, cluster, locks).run(ignore)
    await late[0]
    assert await found(cluster, "shared words") == {"late", *stable}


@asynccontextmanager
async def command(cluster: Cluster, dsn: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service's command as a process."""
    env = {
        **os.environ,
        "SEPTET_POSTGRES_DSN": dsn,
        "SEPTET_OPENSEARCH_INDEX": cluster.versions.alias,
        "SEPTET_RETRIEVAL_DIMENSIONS": str(DIMENSIONS),
        "SEPTET_OPENSEARCH_TIMEOUT": "PT2S",
    }
    argv = (sys.executable, "-m", "septet_retrieval", "reindex", "--json", *options)
    child = await asyncio.create_subprocess_exec(*argv, env=env, stdout=asyncio.subprocess.PIPE)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def facts(child: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    assert child.stdout is not None
    async for line in child.stdout:
        yield json.loads(line)


@pytest.mark.parametrize("ending", ["kill", "terminate"])
async def test_an_interrupted_run_is_continued(
    cluster: Cluster, service: Ingestor, stable: list[str], database: Database, ending: str
) -> None:
    dsn = database.service_dsn
    async with command(cluster, dsn, "--batch=1") as first:
        async for fact in facts(first):
            if fact["event"] == "progress" and fact["done"] >= STABLE // 3:
                getattr(first, ending)()
                break
        assert await first.wait() != 0
    assert await cluster.versions.current() == cluster.versions.name(1)
    await service.ingest([delete("stable0", 5000), upsert("stable1", "another text", 5001)])
    async with command(cluster, dsn) as second:
        reported = [fact async for fact in facts(second)]
        assert await second.wait() == 0
    assert reported[0]["done"] >= STABLE // 3 - 2
    assert reported[-1]["event"] == "done"
    assert await cluster.versions.all() == [cluster.versions.name(2)]
    assert await found(cluster, "shared words") == set(stable[2:])
    assert await found(cluster, "another text") == {"stable1"}


async def test_only_one_re_index_runs_at_a_time(
    store: PostgresStore, cluster: Cluster, locks: PostgresLocks, stable: list[str]
) -> None:
    async with locks.reindex_lock():
        with pytest.raises(Permanent) as caught:
            await reindexer(store, cluster, locks).run(ignore)
    assert caught.value.code == "reindex_running"


async def test_if_needed_skips_a_current_layout(
    cluster: Cluster, stable: list[str], database: Database
) -> None:
    async with command(cluster, database.service_dsn, "--if-needed") as child:
        reported = [fact async for fact in facts(child)]
        assert await child.wait() == 0
    assert reported == [{"event": "current", "version": cluster.versions.name(1)}]


async def test_an_unfinished_version_of_another_layout_is_replaced(
    store: PostgresStore, cluster: Cluster, locks: PostgresLocks, stable: list[str]
) -> None:
    old = cluster.versions.name(2)
    body = {"mappings": {"_meta": {"layout": 0}}}
    await cluster.calls("create", old, lambda client: client.indices.create(index=old, body=body))
    done = await reindexer(store, cluster, locks).run(ignore)
    assert done.before == cluster.versions.name(1)
    assert await found(cluster, "shared words") == set(stable)
    assert await cluster.versions.all() == [done.version]


async def test_without_opensearch_the_command_names_the_setting(tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SEPTET_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "septet_retrieval", "reindex", env=env, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await child.communicate()
    assert child.returncode == 2
    assert b"SEPTET_OPENSEARCH_URL" in stderr

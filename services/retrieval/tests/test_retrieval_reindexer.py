"""Order of the steps of a re-index, on an in-memory store and index. Servers: ``test_retrieval_reindex.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from septet_kit import Permanent
from septet_retrieval.application.reindex import Options, Progress, Reindexed, Reindexer
from septet_retrieval.ports import DocumentPassages


class Store:
    """Ten documents of one tenant."""

    async def positions(self) -> Mapping[str, int]:
        return {"acme": 10}

    async def pending(self, tenant: str, after: int) -> int:
        return 10 - after

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        return [DocumentPassages(f"d{n}", n, []) for n in range(after + 1, min(10, after + limit) + 1)]


class Cluster:
    """An index server that records the steps; it is also the lock and the index."""

    alias = "passages"

    def __init__(self, position: int = 0) -> None:
        self.steps: list[str] = []
        self._position = position

    @property
    def versions(self) -> Cluster:
        return self

    def index(self, version: str | None = None) -> Any:
        return self

    async def position(self, tenant: str) -> int:
        return self._position

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        self._position = position
        self.steps.append(f"apply up to {position}")
        rejected = Permanent("lexical_rejected", "rejected by the mapping")
        return {change.document_id: rejected for change in changes if change.document_id == "d7"}

    async def next(self) -> str:
        return "v2"

    async def publish(self, version: str) -> str | None:
        self.steps.append(f"publish {version}")
        return "v1"

    async def drop(self, version: str) -> None:
        self.steps.append(f"drop {version}")

    @asynccontextmanager
    async def alias_lock(self) -> AsyncIterator[None]:
        self.steps.append("lock alias")
        yield
        self.steps.append("unlock alias")

    @asynccontextmanager
    async def reindex_lock(self) -> AsyncIterator[None]:
        yield


async def run(cluster: Cluster, *, keep_old: bool = False) -> tuple[Reindexed, list[int]]:
    reported: list[Progress] = []
    store: Any = Store()
    options = Options(batch=4, keep_old=keep_old, grace=timedelta(0))
    done = await Reindexer(store, cluster, cluster, options).run(reported.append)
    assert {(each.version, each.total) for each in reported} == {("v2", 10)}
    return done, [each.done for each in reported]


async def test_the_alias_moves_under_its_lock_after_all_documents_are_copied() -> None:
    cluster = Cluster()
    done, reported = await run(cluster)
    assert done == Reindexed("v2", "v1", documents=10, rejected=1)
    assert cluster.steps == [
        "apply up to 4",
        "apply up to 8",
        "apply up to 10",
        "lock alias",
        "publish v2",
        "unlock alias",
        "drop v1",
    ]
    assert reported == [0, 4, 8, 10, 10]


async def test_a_run_continues_from_the_position_of_the_new_version() -> None:
    cluster = Cluster(position=8)
    _, reported = await run(cluster, keep_old=True)
    assert cluster.steps == ["apply up to 10", "lock alias", "publish v2", "unlock alias"]
    assert reported == [8, 10]

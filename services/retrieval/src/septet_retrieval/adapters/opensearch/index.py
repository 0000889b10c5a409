"""Adapter of ``LexicalIndex``: one index for all tenants, filtered and routed by tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from opensearchpy import AsyncOpenSearch
from septet_kit import Permanent

from septet_retrieval.adapters.opensearch import layout
from septet_retrieval.adapters.opensearch.bulk import Operation, Refresh, write
from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.errors import error_from_status
from septet_retrieval.adapters.opensearch.versions import Versions
from septet_retrieval.ports import DocumentPassages, Hit

_SEARCH_ATTEMPTS = 3


class OpenSearchIndex:
    """Index behind an alias, or one version of it (for :class:`septet_retrieval.application.reindex.Reindexer`).

    The document's sequence is the external version of its passages, so that a late writer cannot restore an
    older state. Changes become searchable with the next scheduled refresh (``refresh_interval`` of the
    template), which all concurrent writers share.
    """

    def __init__(
        self, calls: Calls, versions: Versions, search_timeout_s: float, version: str | None = None
    ) -> None:
        self._calls = calls
        self._versions = versions
        self._search_timeout_s = search_timeout_s
        self._name = version or versions.alias
        self._alias = version is None

    async def position(self, tenant: str) -> int:
        """See :meth:`septet_retrieval.ports.LexicalIndex.position`.

        Raises:
            Transient: the server is down.
        """
        await self._ready()
        name = layout.position_id(tenant)
        # Not from the translog: the position must be visible to searches.
        params = {"routing": tenant, "realtime": "false", "request_timeout": self._search_timeout_s}
        found = await self._call(
            "get", lambda client: client.get(index=self._name, id=name, ignore=404, params=params)
        )
        return int(found["_source"]["sequence"]) if found.get("found") else 0

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        """See :meth:`septet_retrieval.ports.LexicalIndex.apply`.

        Raises:
            Transient: the server is down or busy; the call can be repeated.
        """
        await self._ready()
        operations = [item for change in changes for item in layout.operations(tenant, change)]
        rejected = await self._write(operations, "false")
        await self._drop_older(tenant, changes)
        # The position comes last. Its refresh also makes the passages visible: routing keeps a tenant in one shard.
        failed = await self._write([layout.position_operation(tenant, position)], self._refresh)
        for error in failed.values():
            raise error
        return rejected

    async def search(self, tenant: str, question: str, limit: int) -> list[Hit]:
        """See :meth:`septet_retrieval.ports.LexicalIndex.search`.

        Raises:
            Transient: the server is down, slow or busy, or the circuit breaker is open.
        """
        await self._ready()
        body = {
            "query": layout.query(tenant, question),
            "size": limit,
            "_source": list(layout.PASSAGE_FIELDS),
            "track_total_hits": False,
        }
        params = {"routing": tenant, "request_timeout": self._search_timeout_s}
        found = await self._call(
            "search",
            lambda client: client.search(index=self._name, body=body, params=params),
            _SEARCH_ATTEMPTS,
        )
        return [Hit(layout.passage(hit["_source"]), hit["_score"]) for hit in found["hits"]["hits"]]

    async def check(self) -> None:
        """Raise ``Transient`` if the index cannot be searched."""
        await self._ready()
        await self._call("exists", lambda client: client.indices.exists_alias(name=self._name))

    @property
    def _refresh(self) -> Refresh:
        """A version under construction has no scheduled refresh."""
        return "wait_for" if self._alias else "true"

    async def _ready(self) -> None:
        if self._alias:
            await self._versions.ensure()

    async def _write(self, operations: Sequence[Operation], refresh: Refresh) -> Mapping[str, Permanent]:
        with self._versions.checking_existence():
            return await write(self._calls, self._name, operations, alias=self._alias, refresh=refresh)

    async def _call(
        self, operation: str, call: Callable[[AsyncOpenSearch], Awaitable[Any]], attempts: int = 1
    ) -> Any:
        with self._versions.checking_existence():
            return await self._calls(operation, self._name, call, attempts)

    async def _drop_older(self, tenant: str, changes: Sequence[DocumentPassages]) -> None:
        """Delete passages that only earlier states of the documents have.

        Deleting a passage that was just written conflicts with its new version, and the conflict is ignored.
        """
        older = [_older(change) for change in changes]
        if not older:
            return
        query = {
            "bool": {"filter": [{"term": {"tenant": tenant}}], "should": older, "minimum_should_match": 1}
        }

        async def call(client: AsyncOpenSearch) -> Any:
            return await client.delete_by_query(
                index=self._name, body={"query": query}, params={"routing": tenant, "conflicts": "proceed"}
            )

        response = await self._call("delete_by_query", call)
        for failure in response.get("failures", ()):
            raise error_from_status(int(failure.get("status", 500)), str(failure.get("cause", failure)))


def _older(change: DocumentPassages) -> dict[str, Any]:
    return {
        "bool": {
            "filter": [
                {"term": {"document_id": change.document_id}},
                {"range": {"sequence": {"lt": change.sequence}}},
            ]
        }
    }

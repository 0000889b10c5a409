"""The port's adapter: one index for all tenants, filtered and routed by tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from opensearchpy import AsyncOpenSearch
from septet_kit import Permanent

from septet_retrieval.adapters.opensearch import layout
from septet_retrieval.adapters.opensearch.bulk import Operation, Refresh, write
from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.errors import of_status
from septet_retrieval.adapters.opensearch.versions import Versions
from septet_retrieval.ports import DocumentPassages, Hit

_SEARCH_ATTEMPTS = 3


class OpenSearchIndex:
    """Passages behind an alias, or, for :class:`septet_retrieval.reindex.Reindexer`, in one version of it.

    Passages are written under external versions (the document's sequence), so that a late writer cannot
    bring an older state back. What is applied becomes searchable with the index's next scheduled refresh
    (``refresh_interval`` of the template), which all writers of the moment share.
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
        """As the port says.

        Raises:
            Transient: the server is not there.
        """
        await self._ready()
        found = await self._call(
            "get",
            lambda client: client.get(
                index=self._name, id=layout.position_id(tenant), ignore=404,
                # Not from the translog: a position counts once a search would see it.
                params={"routing": tenant, "realtime": "false", "request_timeout": self._search_timeout_s},
            ),
        )  # fmt: skip
        return int(found["_source"]["sequence"]) if found.get("found") else 0

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        """As the port says.

        Raises:
            Transient: the server is down or busy; applying again is harmless.
        """
        await self._ready()
        operations = [item for change in changes for item in layout.operations(tenant, change)]
        rejected = await self._write(operations, "false")
        await self._drop_older(tenant, changes)
        # Last of all, and its refresh makes the rest visible too: the tenant's routing keeps it in one shard.
        refused = await self._write([layout.position_operation(tenant, position)], self._refresh)
        for error in refused.values():
            raise error
        return rejected

    async def search(self, tenant: str, question: str, limit: int) -> list[Hit]:
        """As the port says.

        Raises:
            Transient: the server is down, slow or busy, or was so a moment ago.
        """
        await self._ready()
        body = {
            "query": layout.query(tenant, question), "size": limit, "_source": list(layout.PASSAGE_FIELDS),
            "track_total_hits": False,
        }  # fmt: skip
        params = {"routing": tenant, "request_timeout": self._search_timeout_s}
        found = await self._call(
            "search",
            lambda client: client.search(index=self._name, body=body, params=params), _SEARCH_ATTEMPTS,
        )  # fmt: skip
        return [Hit(layout.passage(hit["_source"]), hit["_score"]) for hit in found["hits"]["hits"]]

    async def check(self) -> None:
        """Raise ``Transient`` when the index cannot be searched."""
        await self._ready()
        await self._call("exists", lambda client: client.indices.exists_alias(name=self._name))

    @property
    def _refresh(self) -> Refresh:
        """A version that is being built is not refreshed on a schedule."""
        return "wait_for" if self._alias else "true"

    async def _ready(self) -> None:
        if self._alias:
            await self._versions.ensure()

    async def _write(self, operations: Sequence[Operation], refresh: Refresh) -> Mapping[str, Permanent]:
        with self._versions.noticing_loss():
            return await write(self._calls, self._name, operations, alias=self._alias, refresh=refresh)

    async def _call(
        self, operation: str, call: Callable[[AsyncOpenSearch], Awaitable[Any]], attempts: int = 1
    ) -> Any:
        with self._versions.noticing_loss():
            return await self._calls(operation, self._name, call, attempts)

    async def _drop_older(self, tenant: str, changes: Sequence[DocumentPassages]) -> None:
        """Remove what earlier states of the documents left: passages that the new state does not have.

        Passages that it has were written just now, under a new version: deleting those conflicts, and is
        left alone.
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

        answer = await self._call("delete_by_query", call)
        for failure in answer.get("failures", ()):
            raise of_status(int(failure.get("status", 500)), str(failure.get("cause", failure)))


def _older(change: DocumentPassages) -> dict[str, Any]:
    return {
        "bool": {
            "filter": [
                {"term": {"document_id": change.document_id}},
                {"range": {"sequence": {"lt": change.sequence}}},
            ]
        }
    }

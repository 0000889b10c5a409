"""The lexical index on OpenSearch: one index for all tenants, filtered and routed by tenant.

Passages are written under external versions (the document's sequence), so that a late writer cannot bring
an older state back. Terms come from :mod:`septet_retrieval.domain.analysis`, and the index only splits
them at white space: both lexical adapters rank by the same terms.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as OpenSearchConnectionError
from opensearchpy.exceptions import NotFoundError, OpenSearchException, TransportError
from septet_kit import Permanent, Transient
from septet_kit.observe import span

from septet_retrieval.adapters import terms
from septet_retrieval.ports import DocumentPassages, Hit
from septet_retrieval.settings import OpenSearchSettings

_BULK_OPERATIONS = 500
_CONFLICT = 409
_TOO_MANY = 429
_SERVER_ERROR = 500

_INDEX_BODY: dict[str, Any] = {
    "settings": {
        "index": {"number_of_shards": 1, "similarity": {"default": {"type": "BM25", "k1": 1.2, "b": 0.75}}}
    },
    "mappings": {
        "dynamic": False,
        "_source": {"excludes": ["body", "title"]},
        "properties": {
            "tenant": {"type": "keyword"},
            "document_id": {"type": "keyword", "ignore_above": 1024},
            "sequence": {"type": "long"},
            "body": {"type": "text", "analyzer": "whitespace", "index_options": "freqs"},
            "title": {"type": "text", "analyzer": "whitespace", "index_options": "freqs"},
            "passage": {"type": "object", "enabled": False},
        },
    },
}


@asynccontextmanager
async def open_index(settings: OpenSearchSettings) -> AsyncIterator[OpenSearchIndex]:
    """Connect, and create the index where it is missing."""
    assert settings.url is not None
    login = (
        (settings.user, settings.password.get_secret_value()) if settings.user and settings.password else None
    )
    client = AsyncOpenSearch(
        hosts=[settings.url], http_auth=login, ca_certs=settings.ca_file, max_retries=0,
        timeout=settings.timeout.total_seconds(),
    )  # fmt: skip
    try:
        index = OpenSearchIndex(client, settings.index)
        await index.create()
        yield index
    finally:
        await client.close()


class OpenSearchIndex:
    """The port's adapter."""

    def __init__(self, client: AsyncOpenSearch, name: str) -> None:
        self._client = client
        self._name = name

    async def create(self) -> None:
        """Create the index; harmless where it exists.

        Raises:
            Transient: the server is not there (code ``lexical_unavailable``).
        """
        with _typed_errors():
            await self._client.indices.create(index=self._name, body=_INDEX_BODY, ignore=400)

    async def drop(self) -> None:
        """Delete the index with all that is in it."""
        with _typed_errors():
            await self._client.indices.delete(index=self._name)

    async def position(self, tenant: str) -> int:
        with _typed_errors():
            try:
                found = await self._client.get(
                    index=self._name, id=_position_id(tenant), routing=tenant, realtime=True
                )
            except NotFoundError:
                return 0
        return int(found["_source"]["sequence"])

    async def apply(self, tenant: str, changes: Sequence[DocumentPassages], position: int) -> None:
        with _typed_errors():
            operations = [pair for change in changes for pair in _operations(self._name, tenant, change)]
            for start in range(0, len(operations), _BULK_OPERATIONS):
                await self._bulk(operations[start : start + _BULK_OPERATIONS])
            await self._client.indices.refresh(index=self._name)
            await self._drop_older(tenant, changes)
            # Last of all: what is not searchable yet must not count as done.
            await self._bulk([_position(self._name, tenant, position)])

    async def search(self, tenant: str, question: str, limit: int) -> list[Hit]:
        wanted = " ".join(terms.question_terms(question))
        if not wanted:
            return []
        should = [
            {"match": {"body": {"query": wanted}}},
            {"match": {"title": {"query": wanted, "boost": terms.TITLE_BOOST}}},
        ]
        query = {
            "bool": {"filter": [{"term": {"tenant": tenant}}], "should": should, "minimum_should_match": 1}
        }
        attributes = {"db.system.name": "opensearch", "db.collection.name": self._name}
        with _typed_errors(), span(f"search {self._name}", kind="client", **attributes):
            found = await self._client.search(
                index=self._name, routing=tenant, body={"query": query, "size": limit, "_source": ["passage"]}
            )
        return [Hit(terms.load(hit["_source"]["passage"]), hit["_score"]) for hit in found["hits"]["hits"]]

    async def check(self) -> None:
        with _typed_errors():
            await self._client.indices.exists(index=self._name)

    async def _bulk(self, operations: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Send operations; one that came too late (a version conflict) has been overtaken, and is fine."""
        answer = await self._client.bulk(body=[line for pair in operations for line in pair])
        for item in answer["items"]:
            result = item["index"]
            if "error" in result and result["status"] != _CONFLICT:
                raise _error(result["status"], f"{result['_id']}: {result['error'].get('reason', '')}")

    async def _drop_older(self, tenant: str, changes: Sequence[DocumentPassages]) -> None:
        older = [
            {
                "bool": {
                    "filter": [
                        {"term": {"document_id": change.document_id}},
                        {"range": {"sequence": {"lt": change.sequence}}},
                    ]
                }
            }
            for change in changes
        ]
        if older:
            wanted = {
                "bool": {"filter": [{"term": {"tenant": tenant}}], "should": older, "minimum_should_match": 1}
            }
            await self._client.delete_by_query(
                index=self._name, routing=tenant, body={"query": wanted}, conflicts="proceed", refresh=True
            )


def _operations(
    index: str, tenant: str, change: DocumentPassages
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for passage in change.passages:
        header = _header(index, tenant, passage.passage_id, change.sequence)
        yield header, {
            "tenant": tenant, "document_id": change.document_id, "sequence": change.sequence,
            "passage": terms.dump(passage), **terms.indexed_terms(passage),
        }  # fmt: skip


def _position(index: str, tenant: str, position: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return _header(index, tenant, _position_id(tenant), position), {"sequence": position}


def _position_id(tenant: str) -> str:
    return f"position:{tenant}"


def _header(index: str, tenant: str, name: str, version: int) -> dict[str, Any]:
    where = {"_index": index, "_id": name, "routing": tenant}
    return {"index": {**where, "version": version, "version_type": "external_gte"}}


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except OpenSearchConnectionError as error:
        raise Transient("lexical_unavailable", f"OpenSearch: {error}") from error
    except TransportError as error:
        status = error.status_code if isinstance(error.status_code, int) else _SERVER_ERROR
        raise _error(status, str(error)) from error
    except OpenSearchException as error:
        raise Transient("lexical_unavailable", f"OpenSearch: {error}") from error


def _error(status: int, message: str) -> Transient | Permanent:
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return Transient("lexical_unavailable", f"OpenSearch {status}: {message}")
    return Permanent("lexical_rejected", f"OpenSearch {status}: {message}", fix="see the index's mapping")

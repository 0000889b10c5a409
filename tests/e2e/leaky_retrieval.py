"""The retrieval service with a planted fault: its lexical search forgets whose question it is."""

from __future__ import annotations

import runpy
from typing import Any

from septet_retrieval.adapters.opensearch import layout
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.ports import Hit

_search_one, _query = TantivyIndex.search, layout.query


async def _search_all(self: TantivyIndex, tenant: str, question: str, limit: int) -> list[Hit]:
    hits = [h for f in self._root.iterdir() for h in await _search_one(self, f.name, question, limit)]
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def _unfiltered(tenant: str, question: str) -> dict[str, Any]:
    query = _query(tenant, question)
    # What has a tenant at all: the index holds positions, too, which are no passages.
    query["bool"]["filter"] = [{"exists": {"field": "tenant"}}]
    return query


if __name__ == "__main__":
    TantivyIndex.search = _search_all  # type: ignore[method-assign]
    layout.query = _unfiltered
    runpy.run_module("septet_retrieval", run_name="__main__")

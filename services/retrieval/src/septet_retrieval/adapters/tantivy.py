"""Lexical index on tantivy: BM25 within the process, one index folder per tenant.

Separate indexes isolate tenants: neither passages nor term statistics are shared. The terms come from
:mod:`septet_retrieval.domain.analysis`; tantivy only splits them at white space.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import tantivy
from septet_kit import Permanent, Transient
from septet_kit.observe import get_logger

from septet_retrieval.adapters import terms
from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.ports import DocumentPassages, LazyHit

log = get_logger()

LAYOUT = "v1"
"""Changes with the schema or the analysis. An index of another layout is ignored and rebuilt."""

_HEAP_BYTES = 24_000_000
_POSITION = "position"
_PASSAGE = "passage"


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("document_id", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="freq")
    builder.add_bytes_field("stored", stored=True)
    return builder.build()


_SCHEMA = _schema()


class _TenantIndex:
    """Index of one folder with one writer. Its methods block."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._index = tantivy.Index(_SCHEMA, path=str(folder))
        except ValueError as error:
            log.warning("lexical index unreadable, rebuilding it", folder=str(folder), error=str(error))
            shutil.rmtree(folder)
            folder.mkdir()
            self._index = tantivy.Index(_SCHEMA, path=str(folder))
        self._index.config_reader("manual")
        self._index.register_tokenizer(
            "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        )
        self._writer = self._index.writer(_HEAP_BYTES, 1)
        self._writing = threading.Lock()

    def position(self) -> int:
        query = tantivy.Query.term_query(_SCHEMA, "kind", _POSITION, "basic")
        searcher = self._index.searcher()
        found = searcher.search(query, 1).hits
        return int(_stored(searcher, found[0][1])) if found else 0

    def apply(self, changes: Sequence[DocumentPassages], position: int) -> None:
        with self._writing:
            try:
                self._replace(changes, position)
                self._writer.commit()
            except ValueError:
                self._writer.rollback()
                raise
            self._index.reload()

    def _replace(self, changes: Sequence[DocumentPassages], position: int) -> None:
        for change in changes:
            # add_document releases the interpreter lock and takes it back at once. Between two adds there must be no
            # other work: a thread that releases the lock more often than the switch interval starves the event loop.
            documents = [_document(change.document_id, passage) for passage in change.passages]
            self._writer.delete_documents_by_term("document_id", change.document_id)
            for document in documents:
                self._writer.add_document(document)
        self._writer.delete_documents_by_term("kind", _POSITION)
        self._writer.add_document(_to_document({"kind": _POSITION}, str(position).encode()))

    def search(self, question: str, limit: int) -> list[LazyHit]:
        clauses = []
        for term in terms.question_terms(question):
            body = tantivy.Query.term_query(_SCHEMA, "body", term, "freq")
            title = tantivy.Query.term_query(_SCHEMA, "title", term, "freq")
            clauses += [
                (tantivy.Occur.Should, body),
                (tantivy.Occur.Should, tantivy.Query.boost_query(title, terms.TITLE_BOOST)),
            ]
        if not clauses:
            return []
        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False).hits
        return [_hit(_stored(searcher, address), score) for score, address in found]

    def close(self) -> None:
        with self._writing:
            self._writer.wait_merging_threads()


def _document(document_id: str, passage: IndexedPassage) -> tantivy.Document:
    fields = {"kind": _PASSAGE, "document_id": document_id, **terms.indexed_terms(passage)}
    return _to_document(fields, json.dumps(terms.dump(passage)).encode())


def _to_document(fields: dict[str, str], stored: bytes) -> tantivy.Document:
    return tantivy.Document.from_dict({**fields, "stored": stored}, _SCHEMA)


def _hit(stored: bytes, score: float) -> LazyHit:
    return LazyHit(terms.passage_id_of(stored), score, partial(terms.load, stored))


def _stored(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> bytes:
    return bytes(cast("bytes", searcher.doc(address).get_first("stored")))


class TantivyIndex:
    """Adapter of ``LexicalIndex``: folders below ``root``, opened on first use. Calls run in threads."""

    def __init__(self, root: Path) -> None:
        self._root = root / LAYOUT
        self._open: dict[str, _TenantIndex] = {}
        self._opening = threading.Lock()

    async def position(self, tenant: str) -> int:
        return await asyncio.to_thread(lambda: self._of(tenant).position())

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        """See :meth:`septet_retrieval.ports.LexicalIndex.apply`.

        Raises:
            Transient: the index could not be written (code ``lexical_unavailable``).
        """
        try:
            await asyncio.to_thread(lambda: self._of(tenant).apply(changes, position))
        except (OSError, ValueError) as error:
            raise Transient("lexical_unavailable", f"tantivy: {error}") from error
        return {}

    async def search(self, tenant: str, question: str, limit: int) -> list[LazyHit]:
        """See :meth:`septet_retrieval.ports.LexicalIndex.search`.

        Raises:
            Transient: the index could not be read (code ``lexical_unavailable``).
        """
        if tenant not in self._open and not (self._root / tenant).exists():
            return []
        try:
            return await asyncio.to_thread(lambda: self._of(tenant).search(question, limit))
        except (OSError, ValueError) as error:
            raise Transient("lexical_unavailable", f"tantivy: {error}") from error

    async def check(self) -> None:
        """Do nothing: the index is part of the process."""

    async def close(self) -> None:
        """Wait for merges and close the folders."""
        for index in self._open.values():
            await asyncio.to_thread(index.close)
        self._open.clear()

    def _of(self, tenant: str) -> _TenantIndex:
        with self._opening:
            if tenant not in self._open:
                self._open[tenant] = _TenantIndex(self._root / tenant)
            return self._open[tenant]

"""Retrieval: documents of a million characters, and questions with the most and longest hits.

Runs real chunking, batching, lexical index and answerability check, without the database.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_cli.ingest.document import MediaType
from septet_contracts import Ask, Missed, RetrievalOptions, UpsertDocument
from septet_kit.embedding_models import TextKind
from septet_kit.hostile import UNITS, text
from septet_kit.offload import Offload
from septet_kit.testing import flow
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.application.ingest import READ_TOGETHER, Incoming, Ingested
from septet_retrieval.application.search import Searcher
from septet_retrieval.domain.instructions import read
from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.revisions import Decision, State
from septet_retrieval.handlers import DocumentsHandler, MissedHandler
from septet_retrieval.ports import DocumentPassages, LazyHit
from septet_retrieval.settings import RetrievalSettings

from benchmarks.loop_block.case import MIB, QUESTION, Case, of

_offload = Offload(inline=0)
_MEDIA: Mapping[MediaType, tuple[str, ...]] = {
    "text/plain": (
        "english",
        "korean",
        "words",
        "lines",
        "exclamations",
        "headings",
        "line breaks",
        "one letter",
    ),
    "text/markdown": (
        "english",
        "list",
        "lines",
        "headings",
        "table",
        "brackets",
        "links",
        "references",
        "quotation",
    ),
    "text/html": (
        "english",
        "paragraphs",
        "elements",
        "tags",
        "cells",
        "comments",
        "sections",
        "void",
        "end tags",
        "ampersands",
    ),
}


class Vectors:
    """An embeddings endpoint without latency."""

    model = "m"
    multilingual = False

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        return np.full((len(texts), 384), 0.05, dtype=np.float32)


class Store:
    """A store that returns the requested number of passages."""

    passage = ""

    async def nearest(self, _tenant: str, _model: str, _vector: Any, limit: int) -> list[LazyHit]:
        return [LazyHit(f"d.{n}", 0.5, self._of(n)) for n in range(limit)]

    async def cosines(self, *_: Any) -> Mapping[str, float]:
        return {}

    def _of(self, number: int) -> Any:
        return lambda: _indexed(number, self.passage)


class Ingestor:
    """Reads the passages of each document for instructions, in slices, and writes them to the lexical index."""

    def __init__(self, index: TantivyIndex) -> None:
        self._index = index
        self._position = 0

    async def submit(self, incoming: Incoming) -> Ingested:
        self._position += 1
        passages: list[IndexedPassage] = []
        for start in range(0, len(incoming.passages), READ_TOGETHER):
            part = incoming.passages[start : start + READ_TOGETHER]
            passages += await _offload(len(part), read, part)
        changes = [DocumentPassages(incoming.key[1], self._position, passages)]
        await self._index.apply("default", changes, self._position)
        state = State(
            sequence=self._position,
            revision=None,
            content_hash=incoming.content_hash,
            previous_hash=None,
            change="created",
            passages=len(incoming.passages),
            embedded=0,
            origin=incoming.origin,
        )
        return Ingested(Decision.APPLY, state)


def cases() -> Iterator[Case]:
    settings = RetrievalSettings(side_timeout=timedelta(seconds=30))
    store, vectors = Store(), Vectors()
    anything: Any = store
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder))
        ingestor: Any = Ingestor(index)
        documents = DocumentsHandler(ingestor, settings)
        questions = MissedHandler(
            Searcher(anything, index, vectors, settings), AnswerabilityClassifier(vectors, settings), settings
        )
        yield from _documents(documents)
        for unit in UNITS:
            store.passage = text(unit, 1_200)
            for size in (8_000, QUESTION):
                ask = Ask(question=text(unit, size), retrieval=RetrievalOptions(k=50))
                yield of(f"question of {size}, {unit}", "missed", flow(Missed, ask=ask), questions)


def _documents(handler: DocumentsHandler) -> Iterator[Case]:
    for media_type, units in _MEDIA.items():
        for unit in units:
            encoded = len(json.dumps(UNITS[unit], ensure_ascii=False).encode()) - 2
            size = min(1_000_000, int((MIB - 1_000) * len(UNITS[unit]) / encoded))
            event = UpsertDocument(document_id="d", text=text(unit, size), media_type=media_type)
            yield of(f"{media_type} of {size}, {unit}", "documents", event, handler)


def _indexed(number: int, body: str) -> IndexedPassage:
    return IndexedPassage(f"d.{number}", "d", "h", "A title", "Guide", "", f"{number} {body}", 0, len(body))

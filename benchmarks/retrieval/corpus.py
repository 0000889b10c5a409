"""Searches data sets in-process with the code of the service: tantivy, exact cosines, fusion.

Reads the sets in place from ``SEPTET_DATA`` (default: ``../shared/data`` beside the repository).
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from septet_cli.bench.datasets import DataSet, load_dataset
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.search import Searcher
from septet_retrieval.domain.passages import Document, IndexedPassage, to_passages
from septet_retrieval.ports import DocumentPassages, Hit, PassageStore, Vector
from septet_retrieval.settings import RetrievalSettings

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder

TENANT = "bench"


def data_set(name: str) -> DataSet | None:
    """The set ``name``; if it is missing, print a line and return ``None``."""
    folder = data_dir() / name
    if not folder.is_dir():
        print(f"skipped: {name} ({folder} is missing)")
        return None
    return load_dataset(folder)


class ExactStore:
    """The search methods of the passage store, with exact cosines in memory."""

    def __init__(self, passages: Sequence[IndexedPassage], vectors: NDArray[np.float32]) -> None:
        self._passages = passages
        self._vectors = vectors
        self._rows = {passage.passage_id: row for row, passage in enumerate(passages)}

    async def nearest(self, tenant: str, model: str, vector: Vector, limit: int) -> list[Hit]:
        cosines = self._vectors @ vector
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [Hit(self._passages[row], float(cosines[row])) for row in best]

    async def cosines(
        self, tenant: str, model: str, passage_ids: Sequence[str], vector: Vector
    ) -> Mapping[str, float]:
        rows = [self._rows[name] for name in passage_ids]
        return dict(zip(passage_ids, (self._vectors[rows] @ vector).tolist(), strict=True))


@dataclass(frozen=True)
class Engine:
    """A searchable data set."""

    searcher: Searcher
    encoder: CachedEncoder
    passages: Sequence[IndexedPassage]


@asynccontextmanager
async def engine(data: DataSet, settings: RetrievalSettings, encoder: CachedEncoder) -> AsyncIterator[Engine]:
    """Chunk, embed and index a set."""
    cut = {
        d.document_id: to_passages(_document(d.document_id, d.title, d.text), settings.limits)
        for d in data.documents
    }
    passages = [passage for pieces in cut.values() for passage in pieces]
    vectors = encoder.encode([passage.searched_text for passage in passages], "passage")
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder))
        changes = [DocumentPassages(name, i, pieces) for i, (name, pieces) in enumerate(cut.items(), start=1)]
        await index.apply(TENANT, changes, len(changes))
        store = cast("PassageStore", ExactStore(passages, vectors))
        yield Engine(Searcher(store, index, encoder, settings), encoder, passages)
        await index.close()


def _document(name: str, title: str, text: str) -> Document:
    return Document(tenant=TENANT, document_id=name, text=text, title=title)

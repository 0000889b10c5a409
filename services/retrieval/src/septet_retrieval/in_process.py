"""Searches a corpus in this process with the code of the service: tantivy, exact cosines, fusion."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.search import Searcher
from septet_retrieval.domain.passages import Document, IndexedPassage, to_passages
from septet_retrieval.ports import DocumentPassages, Hit, PassageStore, TextEmbedder, Vector
from septet_retrieval.settings import RetrievalSettings


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
    """A searchable corpus."""

    searcher: Searcher
    passages: Sequence[IndexedPassage]


@asynccontextmanager
async def engine(
    tenant: str, documents: Iterable[Document], settings: RetrievalSettings, embedder: TextEmbedder
) -> AsyncIterator[Engine]:
    """Chunk, embed and index the documents of one tenant."""
    cut = {d.document_id: to_passages(d, settings.limits) for d in documents}
    passages = [passage for pieces in cut.values() for passage in pieces]
    vectors = await embedder.embed([passage.searched_text for passage in passages], "passage")
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder))
        changes = [DocumentPassages(name, i, pieces) for i, (name, pieces) in enumerate(cut.items(), start=1)]
        await index.apply(tenant, changes, len(changes))
        store = cast("PassageStore", ExactStore(passages, vectors))
        yield Engine(Searcher(store, index, embedder, settings), passages)
        await index.close()

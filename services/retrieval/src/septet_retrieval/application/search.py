"""Hybrid search: runs the lexical and the dense side concurrently and fuses their results.

If one side fails, the other side's results are returned and marked as degraded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from septet_contracts import Embedding, Passage, RetrievalInfo, RetrievalOptions, Verdict
from septet_kit import SeptetError, Transient
from septet_kit.embeddings_client import as_embedding
from septet_kit.injection.verdict import passages_verdict
from septet_kit.observe import get_logger

from septet_retrieval.domain import instructions
from septet_retrieval.domain.analysis import analyze_question
from septet_retrieval.domain.fusion import Ranked, fuse, length_adjusted
from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.query import ANALYZED_CHARACTERS, is_latin
from septet_retrieval.ports import AnyHit, LexicalIndex, PassageStore, TextEmbedder, Vector
from septet_retrieval.settings import RetrievalSettings
from septet_retrieval.telemetry import count_verdict, search_span

log = get_logger()


@dataclass(frozen=True)
class Query:
    """A question with its search options; ``embedding`` is that of ``text``, if known."""

    tenant: str
    text: str
    options: RetrievalOptions
    embedding: Embedding | None = None


@dataclass(frozen=True)
class SearchResult:
    """Passages, best first, with details of the search; ``embedding`` is the question's.

    Instructions to the assistant are masked in the passages, and ``verdicts`` reports them.
    """

    passages: tuple[Passage, ...]
    info: RetrievalInfo
    embedding: Embedding | None = None
    degraded: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@dataclass
class _SideResult:
    """Result of one side: hits, best first, or an error."""

    hits: Sequence[AnyHit] = ()
    milliseconds: float | None = None
    error: SeptetError | None = None


class Searcher:
    """Searches the passages of a tenant."""

    def __init__(
        self, store: PassageStore, index: LexicalIndex, embedder: TextEmbedder, settings: RetrievalSettings
    ) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder
        self._settings = settings
        self._multilingual = settings.is_multilingual(embedder.multilingual)

    async def search(self, query: Query) -> SearchResult:
        """Return the ``options.k`` best passages.

        Raises:
            Transient: every requested side failed (code ``retrieval_unavailable``).
        """
        mode = query.options.mode
        vector: Vector | None = None

        async def dense() -> Sequence[AnyHit]:
            nonlocal vector
            vector = await self._vector(query)
            return await self._store.nearest(
                query.tenant, self._embedder.model, vector, self._settings.candidates
            )

        async def lexical() -> Sequence[AnyHit]:
            return await self._index.search(query.tenant, query.text, self._settings.candidates)

        async with asyncio.TaskGroup() as group:
            sides = {
                name: group.create_task(self._timed(name, work))
                for name, work in (("lexical", lexical), ("dense", dense))
                if mode in (name, "hybrid")
            }
        done = {name: task.result() for name, task in sides.items()}
        degraded = tuple(f"retrieval.{name}" for name, side in done.items() if side.error is not None)
        if len(degraded) == len(done):
            reasons = "; ".join(f"{name}: {side.error}" for name, side in done.items())
            raise Transient("retrieval_unavailable", reasons)
        return await self._fuse(
            query, done.get("lexical", _SideResult()), done.get("dense", _SideResult()), vector, degraded
        )

    async def _timed(self, name: str, work: Callable[[], Awaitable[Sequence[AnyHit]]]) -> _SideResult:
        started = time.perf_counter()
        side = _SideResult()
        with search_span(name) as current:
            try:
                async with asyncio.timeout(self._settings.side_timeout.total_seconds()):
                    side.hits = await work()
            except SeptetError as error:
                side.error = error
            except TimeoutError:
                side.error = Transient("timeout", f"no result within {self._settings.side_timeout}")
            current.record_hits(len(side.hits))
        side.milliseconds = round((time.perf_counter() - started) * 1000, 3)
        if side.error is not None:
            log.warning("search side failed", side=name, code=side.error.code, error=side.error.message)
        return side

    async def _vector(self, query: Query) -> Vector:
        known = query.embedding
        if known is not None and known.model == self._embedder.model:
            return np.asarray(known.vector, dtype=np.float32)
        vector: Vector = (await self._embedder.embed([query.text], "question"))[0]
        return vector

    async def _fuse(
        self,
        query: Query,
        lexical: _SideResult,
        dense: _SideResult,
        vector: Vector | None,
        degraded: tuple[str, ...],
    ) -> SearchResult:
        hits = {hit.passage_id: hit for hit in (*dense.hits, *lexical.hits)}
        cosines = {hit.passage_id: hit.score for hit in dense.hits}
        if vector is not None and dense.error is None:
            missing = [name for name in hits if name not in cosines]
            cosines |= await self._cosines(query.tenant, missing, vector)
        weight = self._dense_weight(query.text)
        ranked = fuse(_scores(lexical), _scores(dense), query.options.fusion, weight, cosines)
        ranked = ranked[: query.options.k]
        found = [hits[item.name].passage for item in ranked]
        shown, verdicts = self._screened(found)
        best = [_passage(passage, item, cosines) for passage, item in zip(shown, ranked, strict=True)]
        info = RetrievalInfo(
            mode=query.options.mode,
            fusion=query.options.fusion,
            lexical_hits=len(lexical.hits),
            dense_hits=len(dense.hits),
            lexical_ms=lexical.milliseconds,
            dense_ms=dense.milliseconds,
        )
        embedding = None
        if vector is not None:
            embedding = as_embedding(self._embedder.model, vector)
        return SearchResult(tuple(best), info, embedding, degraded, verdicts)

    def _screened(
        self, found: Sequence[IndexedPassage]
    ) -> tuple[Sequence[IndexedPassage], tuple[Verdict, ...]]:
        """Return the passages as the model reads them, and the verdict on them if they contain instructions.

        There is no verdict ``pass``: the detector never read passages that were stored before it existed.
        """
        action = self._settings.instructions
        counts = instructions.count(found) if action != "off" else {}
        if not counts:
            return found, ()
        count_verdict(action)
        if action == "mask":
            found = [instructions.masked(passage) for passage in found]
        return found, (passages_verdict(counts, action),)

    def _dense_weight(self, text: str) -> float:
        if not (self._multilingual or is_latin(text)):
            return self._settings.dense_weight_foreign
        return length_adjusted(self._settings.dense_weight, len(analyze_question(text[:ANALYZED_CHARACTERS])))

    async def _cosines(self, tenant: str, names: Sequence[str], vector: Vector) -> Mapping[str, float]:
        """Return the cosines of passages that only BM25 found. They refine the ranking but are not required."""
        if not names:
            return {}
        try:
            async with asyncio.timeout(self._settings.side_timeout.total_seconds()):
                return await self._store.cosines(tenant, self._embedder.model, names, vector)
        except (Transient, TimeoutError) as error:
            log.warning("cosines of lexical hits failed", error=str(error))
            return {}


def _scores(side: _SideResult) -> dict[str, float]:
    return {hit.passage_id: hit.score for hit in side.hits}


def _passage(found: IndexedPassage, ranked: Ranked, cosines: Mapping[str, float]) -> Passage:
    similarity = cosines.get(found.passage_id)
    fields = asdict(found)
    del fields["instructions"]
    return Passage(
        **fields,
        score=round(ranked.score, 6),
        lexical_rank=ranked.lexical_rank,
        dense_rank=ranked.dense_rank,
        similarity=None if similarity is None else round(similarity, 6),
    )

"""A PostgreSQL server for the benchmark, and vectors: of real texts if the data sets exist, else synthetic."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_kit.migrate import installed, migrate
from septet_native.models.embedding_model import WIDTH
from septet_native.processes.ports import free_port
from septet_native.processes.process import Process
from septet_native.servers.postgres import Postgres
from septet_native.servers.server import Places
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, to_passages

from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import data_set

SETS = ("cranfield", "cisi", "dbpedia_entity_slice", "hotpotqa_100", "tydiqa_goldp_en")
QUESTIONS = 200
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Corpus:
    """Unit vectors of passages and questions, one per row."""

    passages: Vectors
    questions: Vectors
    source: str


def corpus() -> Corpus:
    """Passages of all available sets and an even sample of their questions."""
    sets = [found for name in SETS if (found := data_set(name)) is not None]
    if not sets:
        return _synthetic()
    encoder = CachedEncoder()
    texts = [
        passage.searched_text
        for each in sets
        for d in each.documents
        for passage in to_passages(Document("bench", d.document_id, d.text, title=d.title), Limits())
    ]
    asked = [question.text for each in sets for question in each.questions]
    chosen = [asked[i] for i in np.linspace(0, len(asked) - 1, QUESTIONS).astype(int)]
    return Corpus(
        encoder.encode(list(dict.fromkeys(texts)), "passage"),
        encoder.encode(chosen, "question"),
        ", ".join(s.name for s in sets),
    )


def _synthetic() -> Corpus:
    random = np.random.default_rng(7)
    centres = random.normal(size=(300, WIDTH))
    points = centres[random.integers(0, 300, 12_000 + QUESTIONS)] + 0.8 * random.normal(
        size=(12_000 + QUESTIONS, WIDTH)
    )
    unit = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return Corpus(unit[:-QUESTIONS], unit[-QUESTIONS:], "made up: 300 clusters")


@asynccontextmanager
async def server() -> AsyncIterator[Postgres]:
    """A temporary server with all migrations applied."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        made = Postgres(Places(data=Path(folder), cache=Path(folder)), free_port())
        await made.prepare(lambda _: None)
        process = await Process.spawn(made.command(), Path(folder) / "run")
        try:
            async with asyncio.timeout(60):
                while not await made.probe():  # noqa: ASYNC110 - readiness is polled
                    await asyncio.sleep(0.1)
            await made.finish()
            await migrate(made.dsn, installed())
            yield made
        finally:
            await process.stop()

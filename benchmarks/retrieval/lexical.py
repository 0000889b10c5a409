"""Ranking quality and speed of both lexical engines on public sets, used as in the service.

    SEPTET_OPENSEARCH_URL=http://127.0.0.1:9200 python -m benchmarks.retrieval.lexical [SET …]

Writes ``results/lexical.json``. The exit code is 1 if an engine is below the floor of a set, or if tantivy and OpenSearch
differ by more than 0.02 nDCG@10. The rank of a document is the rank of its best passage. The floor is plain BM25
(rank-bm25's defaults on words of title and text; for Korean the better of words and Hangul bigrams).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from septet_cli.bench.datasets import DataSet, Question
from septet_cli.bench.metrics import percentile, ranking_figures
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.examples import TENANT
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.ports import DocumentPassages, LexicalIndex
from septet_retrieval.settings import RetrievalSettings

from benchmarks.retrieval.corpus import data_set
from tests.support.opensearch import temporary_cluster

FLOORS = {"cranfield": 0.337, "cisi": 0.332, "tydiqa_goldp_ko": 0.661, "tydiqa_goldp_en": 0.831}
SETS = (*FLOORS, "hotpotqa_100", "anthropic_docs_qa")
APART = 0.02
RESULT = Path(__file__).parent / "results" / "lexical.json"
_DEPTH = 50
_BATCH = 200


@asynccontextmanager
async def tantivy() -> AsyncIterator[LexicalIndex]:
    """The lexical engine of the embedded stack."""
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder))
        yield index
        await index.close()


@asynccontextmanager
async def opensearch() -> AsyncIterator[LexicalIndex]:
    """The server of ``SEPTET_OPENSEARCH_URL``, with a temporary index."""
    async with temporary_cluster(
        timeout=timedelta(minutes=1), search_timeout=timedelta(seconds=30)
    ) as cluster:
        yield cluster.index()


ENGINES = {"opensearch": opensearch, "tantivy": tantivy}


async def measure(index: LexicalIndex, data: DataSet) -> dict[str, float]:
    """Measure one engine on one set."""
    started = time.perf_counter()
    await _fill(index, data)
    seconds = time.perf_counter() - started
    rankings, times = [], []
    for question in data.questions:
        before = time.perf_counter()
        hits = await index.search(TENANT, question.text, _DEPTH)
        times.append((time.perf_counter() - before) * 1000)
        rankings.append(list(dict.fromkeys(hit.passage.document_id for hit in hits)))
    return {
        **_quality(rankings, data.questions),
        "p50_ms": round(percentile(times, 50), 1),
        "p99_ms": round(percentile(times, 99), 1),
        "documents_per_s": round(len(data.documents) / seconds),
    }


async def _fill(index: LexicalIndex, data: DataSet) -> None:
    limits = RetrievalSettings().limits
    changes = [
        DocumentPassages(
            each.document_id,
            number,
            to_passages(Document(TENANT, each.document_id, each.text, each.title), limits),
        )
        for number, each in enumerate(data.documents, start=1)
    ]
    for start in range(0, len(changes), _BATCH):
        part = changes[start : start + _BATCH]
        await index.apply(TENANT, part, part[-1].sequence)


def _quality(rankings: Sequence[list[str]], questions: Sequence[Question]) -> dict[str, float]:
    pairs = [(ranking, question.relevant) for ranking, question in zip(rankings, questions, strict=True)]
    return ranking_figures(pairs)


def shortfalls(name: str, figures: dict[str, dict[str, float]]) -> list[str]:
    """Failed requirements of a set, as messages."""
    best, other = figures["opensearch"]["ndcg@10"], figures["tantivy"]["ndcg@10"]
    below = [
        f"{name}: {engine} {made['ndcg@10']} is below the floor {FLOORS[name]}"
        for engine, made in figures.items()
        if made["ndcg@10"] < FLOORS.get(name, 0)
    ]
    return [
        *below,
        *(
            [f"{name}: opensearch {best} and tantivy {other} differ too much"]
            if abs(best - other) > APART
            else []
        ),
    ]


async def _main(names: Sequence[str]) -> int:
    results: dict[str, dict[str, dict[str, float]]] = {}
    problems: list[str] = []
    print(f"{'nDCG@10':20}{'floor':>8}" + "".join(f"{engine:>12}" for engine in ENGINES))
    for name in names:
        data = data_set(name)
        if data is None:
            continue
        figures = {}
        for engine, opened in ENGINES.items():
            async with opened() as index:
                figures[engine] = await measure(index, data)
        results[name] = figures
        row = "".join(f"{made['ndcg@10']:12.4f}" for made in figures.values())
        print(f"{name:20}{FLOORS.get(name, 0):8.3f}{row}", flush=True)
        problems += shortfalls(name, figures)
    if set(results) == set(SETS):
        RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:] or SETS)))

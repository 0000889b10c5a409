"""Ranking quality of BM25, dense and hybrid search on public sets.

    python -m benchmarks.retrieval.measure [SET …]

Writes ``results/ranking.json``. The rank of a document is the rank of its best passage. The weight of the fusion and its
rule for long questions were tuned on these sets (except the Korean one), so the hybrid figures do not predict other
sets. The first run embeds about 14,000 passages (several minutes on one core) and stores the vectors in the user's
cache folder.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from septet_cli.bench.datasets import DataSet, Question
from septet_cli.bench.metrics import percentile, ranking_figures
from septet_contracts import RetrievalOptions
from septet_retrieval.application.examples import TENANT
from septet_retrieval.application.search import Query, Searcher
from septet_retrieval.settings import RetrievalSettings

from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import data_set, engine

SETS = (
    "cranfield",
    "cisi",
    "tydiqa_goldp_en",
    "tydiqa_goldp_ko",
    "hotpotqa_100",
    "anthropic_docs_qa",
    "dbpedia_entity_slice",
)
OPTIONS = {
    "bm25": RetrievalOptions(mode="lexical", k=50),
    "dense": RetrievalOptions(mode="dense", k=50),
    "hybrid_rrf": RetrievalOptions(mode="hybrid", k=50, fusion="rrf"),
    "hybrid_convex": RetrievalOptions(mode="hybrid", k=50, fusion="convex"),
}
RESULT = Path(__file__).parent / "results" / "ranking.json"


async def measure(data: DataSet, encoder: CachedEncoder) -> dict[str, object]:
    """Measure one set."""
    async with engine(data, RetrievalSettings(), encoder) as made:
        encoder.encode([question.text for question in data.questions], "question")
        figures = {
            name: await _figures(made.searcher, data.questions, options) for name, options in OPTIONS.items()
        }
        sizes = {
            "documents": len(data.documents),
            "passages": len(made.passages),
            "questions": len(data.questions),
        }
    return {**sizes, **figures}


async def _figures(
    searcher: Searcher, questions: Sequence[Question], options: RetrievalOptions
) -> dict[str, float]:
    rankings, times = [], []
    for question in questions:
        started = time.perf_counter()
        found = await searcher.search(Query(TENANT, question.text, options))
        times.append((time.perf_counter() - started) * 1000)
        rankings.append(list(dict.fromkeys(passage.document_id for passage in found.passages)))
    pairs = [(ranking, question.relevant) for ranking, question in zip(rankings, questions, strict=True)]
    return {
        **ranking_figures(pairs),
        "p50_ms": round(percentile(times, 50), 1),
    }


def main(names: Sequence[str]) -> None:
    """Measure the named sets and print a table; write the results if all sets were named."""
    encoder = CachedEncoder()
    results = {}
    print(f"{'nDCG@10':22}" + "".join(f"{name:>15}" for name in OPTIONS))
    for name in names:
        data = data_set(name)
        if data is None:
            continue
        results[name] = figures = asyncio.run(measure(data, encoder))
        print(f"{name:22}" + "".join(f"{figures[w]['ndcg@10']:15.4f}" for w in OPTIONS), flush=True)  # type: ignore[index]
    if set(names) == set(SETS) and results:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or SETS)

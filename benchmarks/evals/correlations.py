"""Correlation of the text metrics with human ratings, by data set and dimension.

``python -m benchmarks.evals.correlations`` writes ``results/correlations.json``: Pearson, Spearman and Kendall for each
dimension of Topical-Chat (dialogue) and SF-Hotel (data to text), beside the published scores of UniEval for the same
texts. In Topical-Chat the original reply is the reference of the other replies. ``layers`` has the Spearman correlation of BERTScore and MoverScore by layer of the embedding model on half of the
texts, by which ``TokenEncoder`` has its default; ``check`` is the chosen layer on the other half. One thread, minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from septet_contracts import Response
from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics import Metric, correlation, score, select
from septet_experiments.runs import Sample
from septet_native.models.build import DEFAULT
from septet_native.models.token_vectors import LAYER, TokenEncoder
from septet_native.packages.cache import cache_root

from benchmarks.guardrails.sets import part, rows

RESULT = Path(__file__).parent / "results" / "correlations.json"
SETS = ("sfhot", "topical_chat")
OVERLAP = ("exact_match", "token_f1", "bleu", "rouge1", "rouge2", "rouge_l")
SEMANTIC = ("bertscore", "moverscore")
LAYERS = (1, 3, 5, 7, 9, 10, 11, 12)
Row = Mapping[str, Any]


def with_references(texts: Sequence[Row]) -> list[Row]:
    """Texts with a reference. Topical-Chat has none: the original reply is the reference of the others."""
    original = {
        (row["source"], row["context"]): row["output"]
        for row in texts
        if row["system_id"] == "Original Ground Truth"
    }
    completed = [
        {**row, "reference": row["reference"] or original[row["source"], row["context"]]} for row in texts
    ]
    return [row for row in completed if row["system_id"] != "Original Ground Truth"]


def correlations(texts: Sequence[Row], values: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """Correlation of each metric with each dimension; the reason where it has none."""
    return {
        dimension: {
            name: _correlation([row["human"][dimension] for row in texts], series)
            for name, series in values.items()
        }
        for dimension in texts[0]["human"]
    }


def metric_values(texts: Sequence[Row], metrics: Sequence[Metric]) -> dict[str, list[float | None]]:
    """Values of each metric; None where it has none."""
    scored = [_scored(row, metrics) for row in texts]
    return {metric.name: [sample.values.get(metric.name) for sample in scored] for metric in metrics}


def published(texts: Sequence[Row]) -> dict[str, Any]:
    """Correlation of UniEval's published scores of the same dimension."""
    return {
        dimension: _correlation(
            [row["human"][dimension] for row in texts], [row["unieval"].get(dimension) for row in texts]
        )
        for dimension in texts[0]["human"]
    }


def by_layer(texts: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Spearman correlation with `overall` by layer, on part ``a`` of each set; the chosen layer on part ``b``."""
    found: dict[str, Any] = {}
    for layer in LAYERS:
        model = TokenEncoder(DEFAULT, cache_root(), layer)
        parts = ("a", "b") if layer == LAYER else ("a",)
        found[str(layer)] = {
            "fit" if half == "a" else "check": {
                name: _overall(
                    [r for r in those if part(r["id"]) == half],
                    select(SEMANTIC, token_vectors=model, idf_texts=[r["reference"] for r in those]),
                )
                for name, those in texts.items()
            }
            for half in parts
        }
    return found


def _overall(texts: Sequence[Row], metrics: Sequence[Metric]) -> dict[str, Any]:
    found = correlations(texts, metric_values(texts, metrics))["overall"]
    return {name: one.get("spearman") for name, one in found.items()}


def _scored(row: Row, metrics: Sequence[Metric]) -> Sample:
    case = Case(id=row["id"], question=row["source"] or "?", references=(row["reference"],))
    response = Response(
        request_id=row["id"],
        event_id=UUID(int=1),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        status="answered",
        answer=row["output"],
    )
    return score(case, Sample(case_id=row["id"], response=response), metrics)


def _correlation(human: Sequence[float], values: Sequence[float | None]) -> dict[str, Any]:
    pairs = [(rating, value) for rating, value in zip(human, values, strict=True) if value is not None]
    try:
        found = correlation([rating for rating, _ in pairs], [value for _, value in pairs])
    except NotComputable as error:
        return {"n": len(pairs), "reason": str(error)}
    return {name: round(value, 3) if name != "n" else value for name, value in asdict(found).items()}


def main() -> None:
    texts = {name: with_references(rows(f"unieval_human_scores/{name}")) for name in SETS}
    if not all(texts.values()):
        raise SystemExit("the benchmark needs both sets")
    model = TokenEncoder.default(cache_root())
    result: dict[str, Any] = {"signatures": {}}
    for name, those in texts.items():
        references = [row["reference"] for row in those]
        metrics = [
            *select(OVERLAP),
            *select(SEMANTIC, token_vectors=model, idf_texts=references),
        ]
        plain = metric_values(those, select(SEMANTIC, token_vectors=model))
        values = metric_values(those, metrics) | {
            f"{key} without idf": series for key, series in plain.items()
        }
        result["signatures"][name] = {metric.name: metric.signature for metric in metrics}
        result[name] = {
            "texts": len(those),
            "metrics": correlations(those, values),
            "unieval": published(those),
        }
    result["layers"] = by_layer(texts)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

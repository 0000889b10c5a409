"""Weights and floor of ``answer_relevance``: fitted on one half of each set, checked on the other half.

``python -m benchmarks.eval.calibrate_relevance`` writes ``results/answer_relevance.json``. The relevant answer is the
answer to the question; the irrelevant one answers another question of the same set.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from septet_eval.domain.scorers import relevance
from septet_eval.domain.text import coverage, terms
from sklearn.metrics import roc_auc_score

from benchmarks.encoder import CachedEncoder
from benchmarks.eval.sets import Pair, relevance_pairs

SETS = ("anthropic_docs_qa", "tydiqa_goldp_en", "tydiqa_goldp_ko")
RESULT = Path(__file__).parent / "results" / "answer_relevance.json"


def features(pairs: list[Pair], encoder: CachedEncoder) -> np.ndarray[Any, Any]:
    """Columns: cosine, lexical coverage, relevant."""
    questions = encoder.encode([p.question for p in pairs], "question")
    answers = encoder.encode([p.answer for p in pairs], "passage")
    return np.array(
        [
            (
                max(0.0, float(question @ answer)),
                coverage(terms(p.question), terms(p.answer)),
                p.relevant,
            )
            for p, question, answer in zip(pairs, questions, answers, strict=True)
        ]
    )


def report(table: np.ndarray[Any, Any], weight: float) -> dict[str, Any]:
    """AUC of both scores and of their weighted mean on each half, and the share above each floor."""
    half = len(table) // 2 // 2 * 2
    out: dict[str, Any] = {"pairs": len(table)}
    for name, part in (("fit", table[:half]), ("check", table[half:])):
        cosine, lexical, relevant = part.T
        mixed = weight * cosine + (1 - weight) * lexical
        out[name] = {
            "auc_cosine": auc(relevant, cosine),
            "auc_lexical": auc(relevant, lexical),
            "auc": auc(relevant, mixed),
            "auc_by_weight": {
                f"{w:.1f}": auc(relevant, w * cosine + (1 - w) * lexical) for w in np.arange(0, 1.01, 0.1)
            },
            "above_floor": {
                f"{floor:.2f}": {
                    "relevant": round(float((mixed[relevant == 1] >= floor).mean()), 3),
                    "irrelevant": round(float((mixed[relevant == 0] >= floor).mean()), 3),
                }
                for floor in (0.1, 0.15, 0.2, 0.25, 0.3)
            },
        }
    return out


def auc(relevant: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> float:
    return round(float(roc_auc_score(relevant, value)), 4)


def main() -> None:
    encoder = CachedEncoder()
    result = {
        name: report(
            features(relevance_pairs(name), encoder),
            relevance.COSINE_WEIGHT_KOREAN if name.endswith("ko") else relevance.COSINE_WEIGHT,
        )
        for name in SETS
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""Scale, weight and floor of ``answer_relevance``: fitted on one half of each set, checked on the other half.

``python -m benchmarks.eval.calibrate_relevance`` writes ``results/answer_relevance.json``. The relevant answer is the
answer to the question; the irrelevant one answers another question of the same set. ``scale`` is the mean cosine of
irrelevant and of relevant answers in the fitted halves, of the languages that the model supports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from septet_eval.domain.fit_relevance import Pair, Table, above, auc, auc_by_weight, mixed, scale, table_of
from septet_eval.domain.scorers.relevance import CALIBRATIONS, Calibration
from septet_kit.embedding_models import KNOWN

from benchmarks.encoder import CachedEncoder
from benchmarks.eval.sets import relevance_pairs

SETS = ("anthropic_docs_qa", "tydiqa_goldp_en", "tydiqa_goldp_ko")
FLOORS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
RESULT = Path(__file__).parent / "results" / "answer_relevance.json"


def features(pairs: list[Pair], encoder: CachedEncoder) -> Table:
    """Columns: cosine, lexical coverage, relevant."""
    questions = encoder.encode([p.question for p in pairs], "question")
    answers = encoder.encode([p.answer for p in pairs], "passage")
    return table_of(pairs, questions, answers)


def halves(table: Table) -> dict[str, Table]:
    half = len(table) // 2 // 2 * 2
    return {"fit": table[:half], "check": table[half:]}


def scale_of(model: str, tables: Mapping[str, Table]) -> dict[str, float]:
    """Mean cosine of irrelevant and relevant answers in the fitted halves."""
    spoken = [n for n in tables if KNOWN[model].multilingual or not _is_korean(n)]
    return scale([halves(tables[name])["fit"] for name in spoken])


def report(table: Table, calibration: Calibration, weight: float) -> dict[str, Any]:
    """AUC of both scores and of their weighted mean on each half, and the share above each floor."""
    out: dict[str, Any] = {"pairs": len(table)}
    for name, part in halves(table).items():
        cosine, lexical, relevant = part.T
        score = mixed(part, calibration, weight)
        out[name] = {
            "auc_cosine": auc(relevant, cosine),
            "auc_lexical": auc(relevant, lexical),
            "auc": auc(relevant, score),
            "auc_by_weight": auc_by_weight(part, calibration),
            "above_floor": {f"{floor:.2f}": above(part, score, floor) for floor in FLOORS},
        }
    return out


def _is_korean(name: str) -> bool:
    return name.endswith("_ko")


def main() -> None:
    result: dict[str, Any] = {}
    for model, calibration in CALIBRATIONS.items():
        encoder = CachedEncoder(model)
        tables = {name: features(relevance_pairs(name), encoder) for name in SETS}
        result[model] = {"scale": scale_of(model, tables)}
        for name, table in tables.items():
            weight = calibration.weight_korean if _is_korean(name) else calibration.weight
            result[model][name] = report(table, calibration, weight)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""Quality of the scorers, compared with human labels and reference tools, and their CPU time.

``python -m benchmarks.eval.check_metrics`` writes ``results/metrics.json``: agreement of ``refusal`` with human
labels on XSTest (beside the published labels of a string match and of GPT-4), ROUGE-L against the rouge-score package,
the AUC of the lexical ``groundedness`` (the fallback without a guardrail score), and CPU milliseconds per outcome.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from septet_contracts import Passage
from septet_eval.domain.case import Case, case_of
from septet_eval.domain.scorers import SCORERS
from septet_eval.domain.scorers.reference import rouge_l_f
from septet_eval.domain.scorers.refusal import is_refusal
from septet_eval.domain.scoring import ScoreCard, run_scorers
from sklearn.metrics import roc_auc_score

from benchmarks.eval.release import pair
from benchmarks.eval.sets import rows

RESULT = Path(__file__).parent / "results" / "metrics.json"


def refusals() -> dict[str, Any]:
    """Agreement of each method with the human labels, on answers with full refusal or full compliance."""
    labelled = [r for r in rows("xstest", "refusal_labels.jsonl") if not r["human"].startswith("3")]
    out: dict[str, Any] = {"answers": len(labelled)}
    for model in ("gpt4", "llama2orig"):
        mine = [r for r in labelled if r["model"] == model]
        out[model] = {
            "septet": _share([is_refusal(r["completion"]) == r["human"].startswith("2") for r in mine]),
            "string_match": _share([r["string_label"] == r["human"] for r in mine]),
            "gpt4_judge": _share([r["gpt4_label"] == r["human"] for r in mine]),
        }
    return out


def rouge() -> dict[str, float]:
    """Largest difference from the rouge-score package."""
    golden = rows("metric_goldens", "text_metrics.jsonl")
    worst = max(abs(rouge_l_f(r["hypothesis"], r["reference"]) - r["rougeL_f"]) for r in golden)
    return {"pairs": len(golden), "largest_difference": round(worst, 6)}


def groundedness_by_coverage() -> dict[str, float]:
    """AUC on correct and hallucinated answers of HaluEval."""
    labels, values = [], []
    for row in rows("halueval", "qa_one_turn.jsonl"):
        for name, label in (("right_answer", 1), ("hallucinated_answer", 0)):
            score = SCORERS["groundedness"].function(_case(row["question"], row[name], row["knowledge"]))
            if score is not None:
                labels.append(label)
                values.append(score.value)
    return {"answers": len(labels), "auc": round(float(roc_auc_score(labels, values)), 3)}


def cost(rounds: int = 500) -> dict[str, float]:
    """CPU milliseconds of all scorers for one outcome with five passages, without the embedding."""
    outcomes = [pair(f"cost-{i}")[1] for i in range(rounds)]
    started = time.process_time()
    for outcome in outcomes:
        run_scorers(ScoreCard(), case_of(outcome), SCORERS.values(), out_of_time=lambda: False)
    return {"panel_cpu_ms": round(1000 * (time.process_time() - started) / rounds, 3)}


def _case(question: str, answer: str, text: str) -> Case:
    passage = Passage(
        passage_id="p", document_id="d", content_hash="h", text=text, start=0, end=len(text), score=1.0
    )
    return Case(question=question, answer=answer, passages=(passage,))


def _share(hits: list[bool]) -> float:
    return round(sum(hits) / len(hits), 3)


def main() -> None:
    result = {
        "refusal": refusals(),
        "rouge_l": rouge(),
        "groundedness_by_coverage": groundedness_by_coverage(),
        "cost": cost(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

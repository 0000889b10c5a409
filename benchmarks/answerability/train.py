"""Fit and check the coefficients of the answerability classifier.

    python -m benchmarks.answerability.train [--limit N]

Fits on TyDi QA (all of English, half of Korean) and checks on unseen questions: HotpotQA and the documentation
questions (English), the other half (Korean). Writes the coefficients to the service (``domain/answerability.json``) and
AUC, calibration and abstention curve to ``results/``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from septet_retrieval.domain.answerability import Kind
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.answerability.examples import Example, examples, part
from benchmarks.data import ROOT
from benchmarks.encoder import CachedEncoder

COEFFICIENTS = ROOT / "services/retrieval/src/septet_retrieval/domain/answerability.json"
RESULT = Path(__file__).parent / "results" / "answerability.json"
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
WORDS = ("sentence_coverage", "passage_coverage", "union_coverage", "name_coverage")
FEATURES: dict[Kind, tuple[str, ...]] = {
    # Passage coverage adds nothing to the passage cosine: negative coefficient, same AUC without it.
    "semantic": ("sentence_coverage", "union_coverage", "name_coverage", "sentence_cosine", "passage_cosine"),
    "lexical": WORDS,
    "foreign": ("sentence_coverage", "passage_coverage", "lead_coverage"),
}
# Answerable and unanswerable questions have the same total weight, and so have hard and easy ones.
SHARES = {"answerable": 0.5, "hard": 0.25, "easy": 0.25}


def fit(kind: Kind, learned: Sequence[Example]) -> dict[str, float]:
    """Coefficients on the raw features."""
    names = FEATURES[kind]
    rows = np.array([[example.features[kind][name] for name in names] for example in learned])
    labels = np.array([example.answerable for example in learned])
    counts = {group: sum(example.group == group for example in learned) for group in SHARES}
    weights = np.array([SHARES[example.group] / counts[example.group] for example in learned])
    model = LogisticRegression(C=10.0, max_iter=2000).fit(rows, labels, sample_weight=weights * len(learned))
    values = dict(zip(names, model.coef_[0], strict=True))
    return {
        name: round(float(value), 4) for name, value in {"intercept": model.intercept_[0], **values}.items()
    }


def probability(model: dict[str, float], features: Any) -> float:
    logit = model["intercept"] + sum(
        value * features[name] for name, value in model.items() if name != "intercept"
    )
    return float(1 / (1 + np.exp(-logit)))


def check(kind: Kind, model: dict[str, float], seen: Sequence[Example]) -> dict[str, Any]:
    """AUC against all, hard and easy unanswerable questions, and the answered share at each threshold."""
    scored = [(example, probability(model, example.features[kind])) for example in seen]

    def auc(*groups: str) -> float | None:
        chosen = [(e.answerable, p) for e, p in scored if e.group in ("answerable", *groups)]
        labels = [label for label, _ in chosen]
        return (
            round(float(roc_auc_score(labels, [p for _, p in chosen])), 4) if len(set(labels)) == 2 else None
        )

    def above(group: str, threshold: float) -> float | None:
        values = [p >= threshold for e, p in scored if e.group == group]
        return round(float(np.mean(values)), 3) if values else None

    return {
        "questions": {group: sum(e.group == group for e in seen) for group in SHARES},
        "auc": auc("hard", "easy"),
        "auc_hard": auc("hard"),
        "auc_easy": auc("easy"),
        "answered_at_threshold": {
            str(threshold): {group: above(group, threshold) for group in SHARES} for threshold in THRESHOLDS
        },
    }


async def run(limit: int) -> None:
    """Fit, check and write the results."""
    encoder = CachedEncoder()
    english = await examples("tydiqa_goldp_en", ["cranfield", "cisi"], encoder, limit)
    korean = await examples("tydiqa_goldp_ko", ["korean_question_pair"], encoder, limit)
    sets = {
        "tydiqa_goldp_en (learned)": english,
        "hotpotqa_100": await examples("hotpotqa_100", ["anthropic_docs_qa"], encoder, limit),
        "anthropic_docs_qa": await examples("anthropic_docs_qa", ["hotpotqa_100"], encoder, limit),
        "tydiqa_goldp_ko (other half)": [example for example in korean if part(example.question) == "b"],
    }
    if not english or not korean:
        raise SystemExit("the sets to learn from are missing")
    learned = {
        "semantic": english,
        "lexical": english,
        "foreign": [e for e in korean if part(e.question) == "a"],
    }
    models = {kind: fit(kind, learned[kind]) for kind in FEATURES}
    checks = {
        kind: {name: check(kind, models[kind], seen) for name, seen in sets.items() if _fits(kind, seen)}
        for kind in FEATURES
    }
    _write(COEFFICIENTS, {"learned_on": "TyDi QA GoldP, see benchmarks/answerability", "models": models})
    _write(RESULT, {"models": models, "checks": checks})
    for kind, by_set in checks.items():
        for name, figures in by_set.items():
            at = figures["answered_at_threshold"]["0.5"]
            print(
                f"{kind:9} {name:30} AUC {figures['auc']} hard {figures['auc_hard']} easy {figures['auc_easy']}  {at}"
            )


def _fits(kind: Kind, seen: Sequence[Example]) -> bool:
    return bool(seen) and kind in seen[0].features


def _write(path: Path, body: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=400, help="questions of each set at most")
    asyncio.run(run(parser.parse_args().limit))

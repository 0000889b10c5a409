"""Fit and check the coefficients of the answerability classifier.

    python -m benchmarks.answerability.train [--limit N]

The shipped coefficients are fitted on all sets of :data:`LEARNED` and written to the service
(``domain/answerability.json``). Each check is of coefficients that are fitted on the *other* sets. The only Korean set is
also checked by halves: the coefficients are fitted on the other sets and one half, and checked on the other half.
``results/`` has AUC, the answered share at each threshold, and the end-to-end rates with the relevant documents in the
corpus and without them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from septet_retrieval.domain.answerability import Kind
from septet_retrieval.settings import RetrievalSettings
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.answerability.examples import Example, examples, part
from benchmarks.data import ROOT
from benchmarks.encoder import CachedEncoder

COEFFICIENTS = ROOT / "services/retrieval/src/septet_retrieval/domain/answerability.json"
RESULT = Path(__file__).parent / "results" / "answerability.json"
THRESHOLD = RetrievalSettings.model_fields["answerability_threshold"].default
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
EASY = {
    "tydiqa_goldp_en": ["cranfield", "cisi"],
    "hotpotqa_100": ["anthropic_docs_qa"],
    "anthropic_docs_qa": ["hotpotqa_100"],
    "tydiqa_goldp_ko": ["korean_question_pair"],
}
KOREAN = "tydiqa_goldp_ko"
# Its answers are not quotations.
DOCUMENTATION = "anthropic_docs_qa"
LEARNED: dict[Kind, tuple[str, ...]] = {
    "semantic": tuple(EASY),
    "lexical": tuple(name for name in EASY if name != KOREAN),
    "foreign": (KOREAN,),
}
FEATURES: dict[Kind, tuple[str, ...]] = {
    # Chosen by the figures of benchmarks.answerability.ideas.
    "semantic": ("rare_evidence", "rare_margin"),
    "lexical": ("sentence_coverage", "passage_coverage", "union_coverage", "name_coverage"),
    "foreign": ("sentence_coverage", "passage_coverage", "lead_coverage"),
}
# Answerable and unanswerable questions have the same total weight. Easy ones are separated with any weight.
SHARES = {"answerable": 0.5, "hard": 0.4, "easy": 0.1}
# Added to the intercept. At the threshold, fewer questions are refused and fewer are answered without their documents
# than with the features before decision 0075, on the mean of the sets that are left out.
SHIFT: dict[Kind, float] = {"semantic": 0.08, "lexical": 0.0, "foreign": 0.0}
Sets = Mapping[str, Sequence[Example]]


def fit(kind: Kind, learned: Sets, names: Sequence[str] = ()) -> dict[str, float]:
    """Coefficients on the raw features, by default those of the kind. Each set has the same weight."""
    names = names or FEATURES[kind]
    rows = [(name, e) for name, seen in learned.items() for e in seen if e.group in SHARES]
    counts = Counter((name, e.group) for name, e in rows)
    values = np.array([[e.features[kind][feature] for feature in names] for _, e in rows])
    mean, scale = values.mean(axis=0), values.std(axis=0)
    weights = np.array([SHARES[e.group] / counts[name, e.group] for name, e in rows])
    model = LogisticRegression(C=10.0, max_iter=2000).fit(
        (values - mean) / scale,
        [e.answerable for _, e in rows],
        sample_weight=weights * len(rows) / weights.sum(),
    )
    raw = model.coef_[0] / scale
    fitted = {"intercept": model.intercept_[0] - raw @ mean, **dict(zip(names, raw, strict=True))}
    return {name: round(float(value), 4) for name, value in fitted.items()}


def shifted(kind: Kind, learned: Sets) -> dict[str, float]:
    """The coefficients to ship."""
    model = fit(kind, learned)
    return model | {"intercept": round(model["intercept"] + SHIFT[kind], 4)}


def probability(model: dict[str, float], features: Any) -> float:
    logit = model["intercept"] + sum(
        value * features[name] for name, value in model.items() if name != "intercept"
    )
    return float(1 / (1 + np.exp(-logit)))


def check(kind: Kind, model: dict[str, float], seen: Sequence[Example]) -> dict[str, Any]:
    """AUC against all, hard and easy unanswerable questions, the answered share at each threshold, both end to end."""
    scored = [(example, probability(model, example.features[kind])) for example in seen]

    def auc(*groups: str) -> float | None:
        chosen = [(e.answerable, p) for e, p in scored if e.group in ("answerable", *groups)]
        labels = [label for label, _ in chosen]
        return (
            round(float(roc_auc_score(labels, [p for _, p in chosen])), 4) if len(set(labels)) == 2 else None
        )

    def above(threshold: float, *groups: str) -> float | None:
        return _share(p >= threshold for e, p in scored if e.group in groups)

    present = above(THRESHOLD, "answerable", "unfound")
    return {
        "questions": dict(Counter(e.group for e in seen)),
        "auc": auc("hard", "easy"),
        "auc_hard": auc("hard"),
        "auc_easy": auc("easy"),
        "answered_at_threshold": {
            str(threshold): {group: above(threshold, group) for group in SHARES} for threshold in THRESHOLDS
        },
        "end_to_end": {
            "threshold": THRESHOLD,
            "refused_with_the_documents": None if present is None else round(1 - present, 3),
            "answered_without_the_documents": above(THRESHOLD, "hard"),
        },
    }


def quotes(seen: Sequence[Example]) -> dict[str, float | None]:
    """Share of quotes that hold the answer, of the questions where a sentence does."""
    held = [e.quoted for e in seen if e.quoted]
    return {"questions": len(held)} | {
        name: _share(quoted[name] for quoted in held) for name in ("typed", "untyped")
    }


def lacking_type(seen: Sequence[Example]) -> dict[str, Any]:
    """Share of sentences without the expected type of the answer: what a rail about the type would reject."""
    found = {
        name: [lacks for e in seen for lacks in e.untyped.get(name, ())]
        for name in ("with_the_answer", "other")
    }
    return {name: {"sentences": len(values), "lacking": _share(values)} for name, values in found.items()}


def checks(sets: Sets) -> dict[str, dict[str, Any]]:
    """Figures of each set with coefficients of the others."""
    out: dict[str, dict[str, Any]] = {}
    for kind, names in LEARNED.items():
        out[kind] = {
            name: check(kind, shifted(kind, _only(sets, set(names) - {name})), sets[name])
            for name in names
            if len(names) > 1
        }
        if KOREAN in names:
            halves = {half: [e for e in sets[KOREAN] if part(e.question) == half] for half in "ab"}
            learned = {**_only(sets, names), KOREAN: halves["a"]}
            out[kind][f"{KOREAN} (other half)"] = check(kind, shifted(kind, learned), halves["b"])
    return out


def _only(sets: Sets, names: Iterable[str]) -> Sets:
    return {name: sets[name] for name in sets if name in set(names)}


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return round(float(np.mean(found)), 3) if found else None


async def run(limit: int) -> None:
    """Fit, check and write the results."""
    encoder = CachedEncoder()
    sets = {name: await examples(name, easy, encoder, limit) for name, easy in EASY.items()}
    if not all(sets.values()):
        raise SystemExit("the sets to learn from are missing")
    models = {kind: shifted(kind, _only(sets, names)) for kind, names in LEARNED.items()}
    _write(
        COEFFICIENTS,
        {
            "embeddings_model": encoder.model,
            "learned_on": "public question sets, see benchmarks/answerability",
            "models": models,
        },
    )
    checked = checks(sets)
    _write(
        RESULT,
        {
            "embeddings_model": encoder.model,
            "models": models,
            "left_out": checked,
            "quotes": {name: quotes(seen) for name, seen in sets.items()},
            "answer_type": {name: lacking_type(seen) for name, seen in sets.items() if name != DOCUMENTATION},
        },
    )
    for kind, by_set in checked.items():
        for name, figures in by_set.items():
            ends = figures["end_to_end"]
            print(f"{kind:9} {name:30} AUC hard {figures['auc_hard']} easy {figures['auc_easy']} {ends}")


def _write(path: Path, body: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=400, help="questions of each set at most")
    asyncio.run(run(parser.parse_args().limit))

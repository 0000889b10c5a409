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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from septet_retrieval.domain.answerability import Kind
from septet_retrieval.domain.fit_answerability import Example, figures, fit, scored, share
from septet_retrieval.settings import RetrievalSettings

from benchmarks.answerability.examples import QuotedExample, examples, part
from benchmarks.data import ROOT
from benchmarks.encoder import CachedEncoder

COEFFICIENTS = ROOT / "services/retrieval/src/septet_retrieval/domain/answerability.json"
RESULT = Path(__file__).parent / "results" / "answerability.json"
THRESHOLD = RetrievalSettings.model_fields["answerability_threshold"].default
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
# Added to the intercept. At the threshold, fewer questions are refused and fewer are answered without their documents
# than with the features before decision 0075, on the mean of the sets that are left out.
SHIFT: dict[Kind, float] = {"semantic": 0.08, "lexical": 0.0, "foreign": 0.0}
Sets = Mapping[str, Sequence[QuotedExample]]


def shifted(kind: Kind, learned: Sets) -> dict[str, float]:
    """The coefficients to ship."""
    model = fit(kind, learned)
    return model | {"intercept": round(model["intercept"] + SHIFT[kind], 4)}


def check(kind: Kind, model: dict[str, float], seen: Sequence[Example]) -> dict[str, Any]:
    """Figures of one model on examples that it was not fitted on."""
    return figures(scored(kind, model, seen), THRESHOLD)


def quotes(seen: Sequence[QuotedExample]) -> dict[str, float | None]:
    """Share of quotes that hold the answer, of the questions where a sentence does."""
    held = [e.quoted for e in seen if e.quoted]
    return {"questions": len(held)} | {
        name: share(quoted[name] for quoted in held) for name in ("typed", "untyped")
    }


def lacking_type(seen: Sequence[QuotedExample]) -> dict[str, Any]:
    """Share of sentences without the expected type of the answer: what a rail about the type would reject."""
    found = {
        name: [lacks for e in seen for lacks in e.untyped.get(name, ())]
        for name in ("with_the_answer", "other")
    }
    return {name: {"sentences": len(values), "lacking": share(values)} for name, values in found.items()}


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
        for name, measured in by_set.items():
            ends = measured["end_to_end"]
            print(f"{kind:9} {name:30} AUC hard {measured['auc_hard']} easy {measured['auc_easy']} {ends}")


def _write(path: Path, body: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=400, help="questions of each set at most")
    asyncio.run(run(parser.parse_args().limit))

"""Fits each part of a calibration and measures it on examples that were not fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from septet_cache.domain import fit_classifier
from septet_cache.domain.fit_classifier import Pair
from septet_eval.domain import fit_relevance
from septet_eval.settings import EvalSettings
from septet_kit.calibration import Part, PartName
from septet_kit.text import is_korean
from septet_retrieval import in_process
from septet_retrieval.application import examples
from septet_retrieval.domain import fit_answerability
from septet_retrieval.domain.answerability import Kind, coefficients
from septet_retrieval.domain.fit_answerability import SHARES_WITHOUT_EASY, Example
from septet_retrieval.domain.passages import Document
from septet_retrieval.domain.query import is_latin
from septet_retrieval.settings import RetrievalSettings

from septet_cli.bench.datasets import DataSet
from septet_cli.calibration.data import answered
from septet_cli.calibration.vectors import StoredVectors

FOLDS = 5
LEAST = 50
"""Examples of each class that a part needs."""

Step = Callable[[int, int], None]
"""Called with the number of questions done and their total."""


@dataclass
class Fitted:
    """The parts of a calibration, and why others are missing."""

    parts: dict[PartName, Part] = field(default_factory=dict)
    uncalibrated: dict[str, str] = field(default_factory=dict)
    refused: bool = False

    def refuse(self, name: str, reason: str) -> None:
        """Leave a part out although there is data for it."""
        self.uncalibrated[name] = reason
        self.refused = True


def _shortage(counts: Mapping[str, int]) -> str | None:
    """Why the examples do not suffice, with their numbers."""
    if min(counts.values()) >= LEAST:
        return None
    numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
    empty = [name for name, count in counts.items() if not count]
    if empty:
        return f"a single class: {numbers}"
    return f"too few examples: {numbers}; at least {LEAST} of each class are needed"


async def fit_answerability_part(
    data: DataSet, vectors: StoredVectors, settings: RetrievalSettings, into: Fitted, on_step: Step
) -> None:
    """Fit the coefficients of answerability to questions with their documents and without them."""
    seen = await _answerability_examples(data, vectors, settings, on_step)
    usable = [e for e in seen if e.features.get("semantic")]
    groups = Counter(e.group for e in usable)
    counts = {"answerable": groups["answerable"], "unanswerable": groups["hard"]}
    if shortage := _shortage(counts):
        into.refuse("answerability", shortage)
        return
    held = fit_answerability.scored_by_folds("semantic", seen, FOLDS, SHARES_WITHOUT_EASY)
    threshold = settings.answerability_threshold
    figures = fit_answerability.figures(held, threshold)
    words = fit_answerability.figures(_by_words(seen), threshold)
    if figures["auc"] <= words["auc"]:
        into.refuse(
            "answerability",
            f"words alone separate at least as well: AUC {words['auc']} against {figures['auc']} held out",
        )
        return
    model = fit_answerability.fit("semantic", {"": seen}, SHARES_WITHOUT_EASY)
    into.parts["answerability"] = Part(
        values={"semantic": model},
        counts={**counts, "unfound": groups["unfound"]},
        held_out={"folds": FOLDS, **figures, "words_alone": words["end_to_end"] | {"auc": words["auc"]}},
    )


async def _answerability_examples(
    data: DataSet, vectors: StoredVectors, settings: RetrievalSettings, on_step: Step
) -> list[Example]:
    """Two examples of each question that the service compares by vectors."""
    multilingual = settings.is_multilingual(vectors.multilingual)
    questions = [q for q in data.questions if multilingual or is_latin(q.text)]
    # Before the search, whose time limit for the endpoint would leave out vectors.
    await vectors.embed([q.text for q in questions], "question")
    tenant = examples.TENANT
    documents = (Document(tenant, d.document_id, d.text, title=d.title) for d in data.documents)
    found: list[Example] = []
    async with in_process.engine(tenant, documents, settings, vectors) as engine:
        for done, question in enumerate(questions, start=1):
            found += await examples.examples(engine.searcher, vectors, [question])
            on_step(done, len(questions))
    return found


def _by_words(seen: Sequence[Example]) -> list[tuple[Example, float]]:
    """The examples with their probabilities without a calibration."""
    scored: list[tuple[Example, float]] = []
    for example in seen:
        kind: Kind = "foreign" if "foreign" in example.features else "lexical"
        scored += fit_answerability.scored(kind, coefficients()[kind], [example])
    return scored


async def fit_relevance_part(data: DataSet, vectors: StoredVectors, multilingual: bool, into: Fitted) -> None:
    """Fit the scale and the weights of ``answer_relevance`` to answers of the question and of another one."""
    by_language: dict[str, list[fit_relevance.Pair]] = {}
    found = answered(data)
    supported = ("latin", "korean") if multilingual else ("latin",)
    for language in ("latin", "korean"):
        own = [(q, a) for q, a in found if is_korean(a) == (language == "korean")]
        shortage = _shortage({"answered questions": len(own)})
        if language in supported and shortage is None:
            by_language[language] = fit_relevance.paired(own)
        elif own:
            reason = (
                shortage
                or "the model does not support it; SEPTET_RETRIEVAL_DENSE_MULTILINGUAL=true if it does"
            )
            into.uncalibrated[f"answer_relevance.{language}"] = f"words are compared: {reason}"
    if not by_language:
        into.refuse(
            "answer_relevance", f"too few examples: {len(found)} answered questions; {LEAST} are needed"
        )
        return
    tables = {name: await _table(pairs, vectors) for name, pairs in by_language.items()}
    try:
        fitted = fit_relevance.fit(tables, supported)
        scores = fit_relevance.scored_by_folds(by_language, tables, supported, FOLDS)
    except ValueError:
        ends = fit_relevance.scale(list(tables.values()), digits=4)
        into.refuse("answer_relevance", f"answers of the question are not closer than others: {ends}")
        return
    floor = EvalSettings().floors.get("answer_relevance", 0.0)
    into.parts["answer_relevance"] = Part(
        values=fitted.model_dump(),
        counts={name: {"relevant": len(t) // 2, "irrelevant": len(t) // 2} for name, t in tables.items()},
        held_out={"folds": FOLDS, **{n: _relevance_figures(t, scores[n], floor) for n, t in tables.items()}},
    )


async def _table(pairs: Sequence[fit_relevance.Pair], vectors: StoredVectors) -> fit_relevance.Table:
    questions = await vectors.embed([p.question for p in pairs], "question")
    return fit_relevance.table_of(pairs, questions, await vectors.embed([p.answer for p in pairs], "passage"))


def _relevance_figures(
    table: fit_relevance.Table, scores: fit_relevance.Table, floor: float
) -> dict[str, Any]:
    return {
        "auc": fit_relevance.auc(table[:, 2], scores),
        "auc_words": fit_relevance.auc(table[:, 2], table[:, 1]),
        "floor": floor,
        "above_floor": fit_relevance.above(table, scores, floor),
    }


async def fit_cache_part(
    pairs: Sequence[Pair], vectors: StoredVectors, false_hits: float, into: Fitted
) -> None:
    """Fit the classifier of each language to question pairs."""
    texts = list(dict.fromkeys(text for p in pairs for text in (p.left, p.right)))
    known = dict(zip(texts, await vectors.embed(texts, "question"), strict=True))
    models: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    held_out: dict[str, Any] = {"folds": FOLDS, "allowed_false_hits": false_hits}
    for language in ("en", "ko"):
        own = [p for p in pairs if is_korean(p.left) == (language == "ko")]
        rows = fit_classifier.rows(own, known)
        # Pairs that fail a strict check teach the classifier nothing.
        labels = Counter(r.pair.same for r in rows if r.values)
        number = {"same": labels[True], "different": labels[False]}
        if shortage := _shortage(number):
            if own:
                into.uncalibrated[f"cache.{language}"] = (
                    f"{shortage} (of {len(own)} pairs, those that can be compared)"
                )
            continue
        served = fit_classifier.served_by_folds(rows, FOLDS, false_hits)
        models[language] = fit_classifier.train({"": rows}, {"": 1.0}, {"": false_hits})
        counts[language] = {**number, "pairs": len(rows)}
        held_out[language] = _cache_figures(rows, served)
    if not models:
        reasons = [
            f"{n.partition('.')[2]}: {r}" for n, r in into.uncalibrated.items() if n.startswith("cache.")
        ]
        into.refuse("cache", "; ".join(reasons) or "there are no pairs")
        return
    into.parts["cache"] = Part(values={"models": models}, counts=counts, held_out=held_out)


def _cache_figures(rows: Sequence[fit_classifier.Row], served: Sequence[bool]) -> dict[str, Any]:
    same = [r.pair.same for r in rows]
    hits = int(np.sum(served))
    return {**fit_classifier.rates(same, served), "hits": hits}

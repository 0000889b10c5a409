"""Classifier of answerability: a calibrated probability that passages answer a question.

A logistic regression (Platt 1999) over closeness and completeness of the best evidence. Small language models
answer even without evidence, so the decision is made before the model is called. ``benchmarks/answerability`` trains
the coefficients, one set for each kind of evidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from septet_contracts import Answerability, Passage, Quote

from septet_retrieval.domain.evidence import MAX_PASSAGES, Sentence, Terms, passage_terms, terms_of

Kind = Literal["semantic", "lexical", "foreign"]
"""``semantic``: with cosines; ``lexical``: without; ``foreign``: a script that the embedding model does not support."""

_COSINE_SHARE = 0.75
_BARE_COST = 0.3
# Set by hand, because the training texts have no titles.
_SUBJECT_PROBABILITY = 0.6


@dataclass(frozen=True)
class Assessment:
    """Probability of an answer, the best sentence, and the features."""

    probability: float
    best: Quote | None
    features: Mapping[str, float]
    kind: Kind

    def verdict(self, threshold: float) -> Answerability:
        """Return the decision at a threshold, with a reason in words."""
        answerable = self.probability >= threshold
        return Answerability(
            score=round(self.probability, 4),
            threshold=threshold,
            answerable=answerable,
            best=self.best,
            reason=_reason(self.features, answerable),
        )


def assess(
    terms: Terms,
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    cosines: Sequence[float] | None,
    *,
    foreign: bool = False,
) -> Assessment:
    """Assess the evidence; ``cosines`` are those of the question with ``sentences``, if known."""
    if not passages or not sentences:
        return Assessment(0.0, None, {}, "lexical")
    kind: Kind = "foreign" if foreign else "lexical" if cosines is None else "semantic"
    usable = cosines if kind == "semantic" else None
    subject = _subject(terms, passages)
    best = _best(sentences, usable, subject)
    features = _features(terms, passages, sentences, usable)
    quote = _quote(sentences[best], cosines[best] if cosines is not None else sentences[best].coverage)
    probability = _probability(kind, features)
    if subject is not None:
        probability = max(probability, _SUBJECT_PROBABILITY)
    return Assessment(probability, quote, features, kind)


def _subject(terms: Terms, passages: Sequence[Passage]) -> str | None:
    """Return the shortest title that contains all terms of the question, if there is one.

    "What does str.upper do?" shares no word with "Return a copy converted to uppercase"; only the title matches.
    """
    titles = {passage.title: terms_of(passage.title) for passage in passages[:MAX_PASSAGES]}
    about = [title for title, held in titles.items() if terms.all and terms.all <= held]
    return min(about, key=lambda title: len(titles[title]), default=None)


def _best(sentences: Sequence[Sentence], cosines: Sequence[float] | None, subject: str | None = None) -> int:
    """Return the position of the sentence to quote. Passages about the subject are preferred."""

    def value(position: int) -> float:
        sentence = sentences[position]
        value = sentence.coverage
        if cosines is not None:
            value = _COSINE_SHARE * cosines[position] + (1 - _COSINE_SHARE) * value
        elsewhere = subject is not None and sentence.passage.title != subject
        return value - _BARE_COST * sentence.bare - elsewhere

    return max(range(len(sentences)), key=lambda position: (value(position), -position))


def _features(
    terms: Terms, passages: Sequence[Passage], sentences: Sequence[Sentence], cosines: Sequence[float] | None
) -> dict[str, float]:
    held = [passage_terms(passage) for passage in passages[:MAX_PASSAGES]]
    features = {
        "sentence_coverage": max(sentence.coverage for sentence in sentences),
        "passage_coverage": max(map(terms.coverage, held)),
        "union_coverage": terms.coverage(frozenset().union(*held)),
        "name_coverage": max(map(terms.name_coverage, held)),
        "lead_coverage": max(map(terms.lead_coverage, held)),
    }
    if cosines is not None:
        features["sentence_cosine"] = max(cosines)
        features["passage_cosine"] = max((p.similarity or 0.0) for p in passages[:MAX_PASSAGES])
    return features


def _quote(sentence: Sentence, similarity: float) -> Quote:
    return Quote(
        passage_id=sentence.passage.passage_id,
        number=sentence.number,
        text=sentence.text,
        start=sentence.span.start,
        end=sentence.span.end,
        similarity=round(float(similarity), 4),
    )


def _probability(kind: Kind, features: Mapping[str, float]) -> float:
    model = coefficients()[kind]
    logit = model["intercept"] + sum(
        weight * features[name] for name, weight in model.items() if name != "intercept"
    )
    return 1 / (1 + math.exp(-logit))


@cache
def coefficients() -> Mapping[Kind, Mapping[str, float]]:
    """Return the trained coefficients by kind of evidence and feature."""
    raw = (files("septet_retrieval.domain") / "answerability.json").read_text(encoding="utf-8")
    return {kind: dict(model) for kind, model in json.loads(raw)["models"].items()}


def _reason(features: Mapping[str, float], answerable: bool) -> str:
    if not features:
        return "nothing was found"
    coverage = f"the best passage holds {features['passage_coverage']:.0%} of the question's terms"
    if "sentence_cosine" in features:
        coverage = f"closest sentence at cosine {features['sentence_cosine']:.2f}, and {coverage}"
    return coverage if answerable else f"too little evidence: {coverage}"

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
from statistics import mean
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator
from septet_contracts import Answerability, Passage, Quote

from septet_retrieval.domain.answer_type import AnswerType, expected_type, holds
from septet_retrieval.domain.evidence import (
    MAX_PASSAGES,
    Sentence,
    Terms,
    passage_terms,
    stated_terms,
    terms_of,
)

Kind = Literal["semantic", "lexical", "foreign"]
"""``semantic``: with cosines; ``lexical``: without; ``foreign``: without, for a question that is not in Latin script."""

_COSINE_SHARE = 0.97
_BARE_COST = 0.3
_TYPE_GAIN = 0.05
# Weight of a passage's coverage of rare words beside its cosine; chosen in benchmarks/answerability/ideas.py.
_COVERAGE_SHARE = 0.05
# Between the mean margins of answerable and of unanswerable questions: too few passages are no evidence of either.
_NEUTRAL_MARGIN = 0.04
_MARGIN_PASSAGES = 3
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
    question: str = "",
    semantic: Mapping[str, float] | None = None,
) -> Assessment:
    """Assess the evidence.

    Args:
        terms: those of the question.
        passages: those found, best first.
        sentences: the best sentences of the passages.
        cosines: those of the question with ``sentences``, by the model of the coefficients.
        foreign: whether the question is not in Latin script.
        question: its text, which determines the type of the answer.
        semantic: coefficients of the kind ``semantic``; by default the shipped ones.
    """
    if not passages or not sentences:
        return Assessment(0.0, None, {}, "lexical")
    kind: Kind = "semantic" if cosines is not None else "foreign" if foreign else "lexical"
    subject = _subject(terms, passages)
    best = best_position(sentences, cosines, subject, question)
    features = _features(terms, passages, sentences, cosines)
    quote = _quote(sentences[best], cosines[best] if cosines is not None else sentences[best].coverage)
    own = semantic if kind == "semantic" else None
    probability = _probability(own or coefficients()[kind], features)
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


def best_position(
    sentences: Sequence[Sentence],
    cosines: Sequence[float] | None,
    subject: str | None = None,
    question: str = "",
) -> int:
    """Return the position of the sentence to quote.

    Passages about the subject and sentences with the type of the answer are preferred.
    """
    wanted: AnswerType | None = expected_type(question)

    def value(position: int) -> float:
        sentence = sentences[position]
        value = sentence.coverage
        if cosines is not None:
            value = _COSINE_SHARE * cosines[position] + (1 - _COSINE_SHARE) * value
        elsewhere = subject is not None and sentence.passage.title != subject
        typed = wanted is not None and holds(wanted, sentence.text, question)
        return value + _TYPE_GAIN * typed - _BARE_COST * sentence.bare - elsewhere

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
        closeness = _closeness(passages, sentences, cosines)
        stated = [stated_terms(passage) for passage in passages[:MAX_PASSAGES]]
        rare = rare_evidence(closeness, terms.rare_coverages(stated))
        features["evidence_cosine"] = max(closeness)
        features["rare_evidence"] = max(rare)
        features["rare_margin"] = margin(rare)
    return features


def rare_evidence(
    closeness: Sequence[float], coverages: Sequence[float], share: float = _COVERAGE_SHARE
) -> list[float]:
    """Return the closeness of each passage plus a share of its coverage of rare words.

    A passage about the right subject is close to the question, and often lacks the word of the asked attribute.
    """
    return [cosine + share * coverage for cosine, coverage in zip(closeness, coverages, strict=True)]


def _closeness(
    passages: Sequence[Passage], sentences: Sequence[Sentence], cosines: Sequence[float]
) -> list[float]:
    """Return the cosine of each passage, or of its closest sentence: a passage about much is close to no question.

    A heading, or the question itself in a document, is close to the question without an answer.
    """
    found = [passage.similarity or 0.0 for passage in passages[:MAX_PASSAGES]]
    for sentence, cosine in zip(sentences, cosines, strict=True):
        if not sentence.bare:
            found[sentence.number - 1] = max(found[sentence.number - 1], cosine)
    return found


def margin(evidence: Sequence[float]) -> float:
    """Return the distance of the best passage to the mean of the others.

    If no passage holds the answer, all are about equally far.
    """
    if len(evidence) < _MARGIN_PASSAGES:
        return _NEUTRAL_MARGIN
    first, *others = sorted(evidence, reverse=True)
    return first - mean(others)


def _quote(sentence: Sentence, similarity: float) -> Quote:
    return Quote(
        passage_id=sentence.passage.passage_id,
        number=sentence.number,
        text=sentence.text,
        start=sentence.span.start,
        end=sentence.span.end,
        similarity=round(float(similarity), 4),
    )


def _probability(model: Mapping[str, float], features: Mapping[str, float]) -> float:
    logit = model["intercept"] + sum(
        weight * features[name] for name, weight in model.items() if name != "intercept"
    )
    return 1 / (1 + math.exp(-logit))


@cache
def coefficients() -> Mapping[Kind, Mapping[str, float]]:
    """Return the trained coefficients by kind of evidence and feature."""
    return {kind: dict(model) for kind, model in _trained()["models"].items()}


@cache
def calibrated_for() -> str:
    """Return the name of the embeddings model whose cosines the coefficients of ``semantic`` were trained with."""
    return str(_trained()["embeddings_model"])


class FittedCoefficients(BaseModel):
    """Coefficients of the kind ``semantic`` in a calibration file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    semantic: dict[str, float]

    @field_validator("semantic")
    @classmethod
    def _has_the_features(cls, model: dict[str, float]) -> dict[str, float]:
        if model.keys() != coefficients()["semantic"].keys():
            raise ValueError(f"the coefficients are those of other features: {', '.join(model)}")
        return model


def _trained() -> dict[str, Any]:
    text = (files("septet_retrieval.domain") / "answerability.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _reason(features: Mapping[str, float], answerable: bool) -> str:
    if not features:
        return "nothing was found"
    coverage = f"the best passage holds {features['passage_coverage']:.0%} of the question's terms"
    if "evidence_cosine" in features:
        coverage = f"closest passage or sentence at cosine {features['evidence_cosine']:.2f}, and {coverage}"
    return coverage if answerable else f"too little evidence: {coverage}"

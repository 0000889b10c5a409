"""Whether retrieved passages can answer a question: a calibrated probability, made without the model.

A logistic regression (Platt 1999) over how close and how complete the best evidence is. Small language
models never say that they do not know, so the decision is taken before they are asked. The coefficients
are learned by ``benchmarks/answerability``; there is one set for each kind of evidence at hand.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from septet_contracts import Answerability, Passage, Quote

from septet_retrieval.domain.evidence import MAX_PASSAGES, Sentence, Terms, passage_terms

Kind = Literal["semantic", "lexical", "foreign"]
"""``semantic``: with cosines; ``lexical``: without; ``foreign``: a script the embedding model does not know."""

_COSINE_SHARE = 0.75
_BARE_COST = 0.3
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z]\w+")
_ASKS_NUMBER = re.compile(
    r"\b(when|how (many|much|old|long|far|tall|large|big|high|fast)|what (year|date|percent\w*|age|number))\b"
    r"|언제|몇|얼마|연도|년도|날짜",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(who|whom|whose|where|which (city|country|state|person))\b|누구|누가|어디", re.IGNORECASE
)


@dataclass(frozen=True)
class Assessment:
    """The probability of an answer, the best sentence, and the features that led there."""

    probability: float
    best: Quote | None
    features: Mapping[str, float]
    kind: Kind

    def verdict(self, threshold: float) -> Answerability:
        """The decision at a threshold, with its reason in words."""
        answerable = self.probability >= threshold
        return Answerability(
            score=round(self.probability, 4), threshold=threshold, answerable=answerable, best=self.best,
            reason=_reason(self.features, answerable),
        )  # fmt: skip


def assess(
    question: str,
    terms: Terms,
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    cosines: Sequence[float] | None,
    *,
    foreign: bool = False,
) -> Assessment:
    """Judge the evidence; ``cosines`` are those of question and ``sentences``, if they could be had."""
    if not passages or not sentences:
        return Assessment(0.0, None, {}, "lexical")
    kind: Kind = "foreign" if foreign else "lexical" if cosines is None else "semantic"
    usable = cosines if kind == "semantic" else None
    best = _best(sentences, usable)
    features = _features(question, terms, passages, sentences, usable, sentences[best])
    quote = _quote(sentences[best], cosines[best] if cosines is not None else sentences[best].coverage)
    return Assessment(_probability(kind, features), quote, features, kind)


def _best(sentences: Sequence[Sentence], cosines: Sequence[float] | None) -> int:
    """Position of the sentence to quote."""

    def value(position: int) -> float:
        sentence = sentences[position]
        value = sentence.coverage
        if cosines is not None:
            value = _COSINE_SHARE * cosines[position] + (1 - _COSINE_SHARE) * value
        return value - _BARE_COST * sentence.bare

    return max(range(len(sentences)), key=lambda position: (value(position), -position))


def _features(
    question: str,
    terms: Terms,
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    cosines: Sequence[float] | None,
    best: Sentence,
) -> dict[str, float]:
    held = [passage_terms(passage) for passage in passages[:MAX_PASSAGES]]
    features = {
        "sentence_coverage": max(sentence.coverage for sentence in sentences),
        "passage_coverage": max(map(terms.coverage, held)),
        "first_coverage": terms.coverage(held[0]),
        "union_coverage": terms.coverage(frozenset().union(*held)),
        "name_coverage": max(map(terms.name_coverage, held)),
        "names": min(len(terms.names), 3) / 3,
        "terms": math.log1p(len(terms.all)),
        "answer_type": _answer_type(question, best.text),
    }
    if cosines is not None:
        features["sentence_cosine"] = max(cosines)
        features["passage_cosine"] = max((p.similarity or 0.0) for p in passages[:MAX_PASSAGES])
        features["closeness"] = features["sentence_cosine"] * features["passage_coverage"]
    return features


def _answer_type(question: str, sentence: str) -> float:
    """Whether the sentence holds what the question asks for: -1 it lacks it, 0 anything will do, 1 it does."""
    if _ASKS_NUMBER.search(question):
        return 1.0 if _NUMBER.search(sentence) else -1.0
    if _ASKS_NAME.search(question) and sentence.isascii():
        return 1.0 if _NAME.search(sentence) else -1.0
    return 0.0


def _quote(sentence: Sentence, similarity: float) -> Quote:
    return Quote(
        passage_id=sentence.passage.passage_id, number=sentence.number, text=sentence.text,
        start=sentence.span.start, end=sentence.span.end, similarity=round(float(similarity), 4),
    )  # fmt: skip


def _probability(kind: Kind, features: Mapping[str, float]) -> float:
    model = coefficients()[kind]
    logit = model["intercept"] + sum(
        weight * features[name] for name, weight in model.items() if name != "intercept"
    )
    return 1 / (1 + math.exp(-logit))


@cache
def coefficients() -> Mapping[Kind, Mapping[str, float]]:
    """The committed coefficients, by kind of evidence and feature."""
    raw = (files("septet_retrieval.domain") / "answerability.json").read_text(encoding="utf-8")
    return {kind: dict(model) for kind, model in json.loads(raw)["models"].items()}


def _reason(features: Mapping[str, float], answerable: bool) -> str:
    if not features:
        return "nothing was found"
    coverage = f"the best passage holds {features['passage_coverage']:.0%} of the question's terms"
    if "sentence_cosine" in features:
        coverage = f"closest sentence at cosine {features['sentence_cosine']:.2f}, and {coverage}"
    return coverage if answerable else f"too little evidence: {coverage}"

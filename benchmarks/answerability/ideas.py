"""Features of answerability, each with the sets left out of the fit: the choice of decision 0075, and ideas without a gain.

    python -m benchmarks.answerability.ideas [--limit N]

| feature | idea |
| --- | --- |
| ``rare_S`` | closeness of a passage with S times its coverage of the words that few of the found passages hold |
| ``rare_margin_S`` | distance of that passage to the mean of the others, in the place of ``evidence_margin`` |
| ``agreement`` | share of the first ten passages that both searches find, ranked after the removal of the documents |
| ``untyped`` | what the closest sentence with the expected type of the answer is farther than the closest one |
| ``contrast`` | what a sentence is closer to the question than to the question's subject alone |

The expected type of a Korean question is also a person ("누구") or a place ("어디"). The subject is the words that most of the
found passages hold; it costs one embedding.

``matched`` is the rate answered without the documents at the threshold where a model refuses as many questions with them
as ``BASE`` does at its own. The form of rare words is *chosen* by the mean of this rate on all sets but one, and the
figures of the choice are those of the set that took no part in it. Writes ``results/ideas.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from septet_contracts import Passage
from septet_retrieval.application.examples import _answers, _search
from septet_retrieval.domain.analysis import question_units
from septet_retrieval.domain.answer_type import expected_type, holds
from septet_retrieval.domain.answerability import _closeness, assess, margin, rare_evidence
from septet_retrieval.domain.evidence import (
    MAX_PASSAGES,
    Sentence,
    Terms,
    best_sentences,
    passage_terms,
    stated_terms,
)
from septet_retrieval.domain.fit_answerability import Example, Group, fit, probability
from septet_retrieval.domain.words import LIGHT_WORDS, QUESTION_WORDS
from septet_retrieval.settings import RetrievalSettings

from benchmarks.answerability.examples import part
from benchmarks.answerability.train import DOCUMENTATION, EASY, KOREAN, THRESHOLD, check
from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import data_set, engine

RESULT = Path(__file__).parent / "results" / "ideas.json"
BASE = ("union_coverage", "evidence_cosine", "evidence_margin")
"""The features before decision 0075."""
_COVERAGE_SHARES = (0.03, 0.05, 0.07, 0.1)
RARE: dict[str, tuple[str, ...]] = {
    f"rare_{share}, {name}": (f"rare_{share}", feature.format(share))
    for name, feature in (("margin of closeness", "evidence_margin"), ("its own margin", "rare_margin_{}"))
    for share in _COVERAGE_SHARES
}
MODELS: dict[str, tuple[str, ...]] = {
    "base": BASE,
    **RARE,
    "agreement": (*BASE, "agreement"),
    "untyped": (*BASE, "untyped"),
    "contrast": (*BASE, "contrast"),
    "agreement and contrast": (*BASE, "agreement", "contrast"),
}
Sets = Mapping[str, Sequence[Example]]
_FIRST = 10
_SUBJECT_SHARE = 0.6
_NO_TYPED = 0.1
_PERSON = re.compile(r"(?<![가-힣])[가-힣]{3}(?=[은는이가을를의와과]|\s*\()|\([一-龥]{2,4}\)")
_PLACE = re.compile(r"[가-힣]{1,6}(?:시|도|군|구|국|주|현|성|섬|산|강|역|지방|지역|대륙)(?![가-힣]{2})")
_KOREAN_TYPES = (("누구", _PERSON), ("누가", _PERSON), ("어디", _PLACE))
_EDGES = "?.,!"


def _ranked(passages: Sequence[Passage], side: str) -> list[str]:
    """Ids of the first passages of one search, without the removed ones."""
    found = [passage for passage in passages if getattr(passage, side)]
    return [p.passage_id for p in sorted(found, key=lambda p: getattr(p, side))][:_FIRST]


def _is_typed(sentence: str, question: str) -> bool:
    wanted = expected_type(question)
    if wanted is not None:
        return holds(wanted, sentence, question)
    pattern = next((pattern for word, pattern in _KOREAN_TYPES if word in question), None)
    return pattern is None or any(m.group() not in question for m in pattern.finditer(sentence))


def _margins(
    terms: Terms, passages: Sequence[Passage], sentences: Sequence[Sentence], cosines: Sequence[float]
) -> dict[str, float]:
    """The margin of closeness, and each form of closeness and rare words."""
    closeness = _closeness(passages, sentences, cosines)
    coverages = terms.rare_coverages([stated_terms(passage) for passage in passages])
    features = {"evidence_margin": margin(closeness)}
    for share in _COVERAGE_SHARES:
        rare = rare_evidence(closeness, coverages, share)
        features |= {f"rare_{share}": max(rare), f"rare_margin_{share}": margin(rare)}
    return features


def _subject(question: str, passages: Sequence[Passage]) -> str:
    """The words of a question that most passages hold; empty if these are all or none of its content words."""
    held = [passage_terms(passage) for passage in passages]
    subject: list[str] = []
    others: list[str] = []
    for word in (piece.strip(_EDGES) for piece in question.split()):
        if not word or word.lower() in QUESTION_WORDS | LIGHT_WORDS:
            continue
        units = question_units(word)
        share = mean(len(unit & terms) / len(unit) for unit in units for terms in held) if units else 0.0
        (subject if share >= _SUBJECT_SHARE else others).append(word)
    return " ".join(subject) if others else ""


def _example(question: str, found: Sequence[Passage], group: Group, encoder: CachedEncoder) -> Example:
    passages = found[:MAX_PASSAGES]
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    (asked,) = encoder.encode([question], "question")
    vectors = encoder.encode([sentence.embedded_text for sentence in sentences], "passage")
    cosines = [float(value) for value in vectors @ asked]
    result = assess(terms, passages, sentences, cosines, question=question)
    lexical, dense = _ranked(found, "lexical_rank"), _ranked(found, "dense_rank")
    typed = [c for c, s in zip(cosines, sentences, strict=True) if _is_typed(s.text, question)]
    subject, contrast = _subject(question, passages), math.nan
    if subject:
        (known,) = encoder.encode([subject], "question")
        contrast = max(c - float(vector @ known) for c, vector in zip(cosines, vectors, strict=True))
    features = {
        **result.features,
        "agreement": len(set(lexical) & set(dense)) / _FIRST,
        **_margins(terms, passages, sentences, cosines),
        "untyped": max(cosines) - max(typed, default=max(cosines) - _NO_TYPED),
        "contrast": contrast,
    }
    return Example(question, group, {"semantic": features})


def _filled(examples: Sequence[Example]) -> list[Example]:
    """The examples with the mean contrast where a question has no subject, which tells nothing."""
    known = [e.features["semantic"]["contrast"] for e in examples]
    neutral = mean(value for value in known if not math.isnan(value))

    def filled(features: Mapping[str, float]) -> dict[str, float]:
        return {name: neutral if math.isnan(value) else value for name, value in features.items()}

    return [Example(e.question, e.group, {"semantic": filled(e.features["semantic"])}) for e in examples]


async def examples(name: str, encoder: CachedEncoder, limit: int) -> list[Example]:
    """Each question with its documents and without them; no questions of other sets, which every feature separates."""
    data = data_set(name)
    if data is None:
        return []
    questions = [question for question in data.questions if question.answers or name == DOCUMENTATION]
    questions = sorted(questions, key=lambda question: zlib.crc32(question.text.encode()))[:limit]
    made = []
    async with engine(data, RetrievalSettings(), encoder) as searched:
        for question in questions:
            found = await _search(searched.searcher, question.text)
            is_found = any(question.grades.get(p.document_id) for p in found[:MAX_PASSAGES])
            made.append(_example(question.text, found, "answerable" if is_found else "unfound", encoder))
            without = [passage for passage in found if not _answers(passage, question)]
            made.append(_example(question.text, without, "hard", encoder))
    return _filled(made)


def _matched(names: tuple[str, ...], learned: Sets, seen: Sequence[Example]) -> float:
    """Share answered without the documents, where as many are refused with them as by ``BASE`` at its threshold."""
    base, model = (fit("semantic", learned, names=chosen) for chosen in (BASE, names))

    def scores(of: dict[str, float], *groups: Group) -> list[float]:
        return sorted(probability(of, e.features["semantic"]) for e in seen if e.group in groups)

    refused = sum(score < THRESHOLD for score in scores(base, "answerable", "unfound"))
    threshold = scores(model, "answerable", "unfound")[refused]
    return mean(float(score >= threshold) for score in scores(model, "hard"))


def left_out(sets: Sets, names: tuple[str, ...]) -> dict[str, Any]:
    """Figures of each set with coefficients of the others, and their means; also those of one half of the Korean set."""
    splits = {name: (_without(sets, name), seen) for name, seen in sets.items()}
    halves = {half: [e for e in sets[KOREAN] if part(e.question) == half] for half in "ab"}
    splits[f"{KOREAN} (other half)"] = ({**sets, KOREAN: halves["a"]}, halves["b"])
    figures: dict[str, Any] = {}
    for name, (learned, seen) in splits.items():
        found = check("semantic", fit("semantic", learned, names=names), seen)
        ends = found["end_to_end"]
        figures[name] = {
            "auc": found["auc_hard"],
            "refused": ends["refused_with_the_documents"],
            "answered": ends["answered_without_the_documents"],
            "matched": round(_matched(names, learned, seen), 3),
        }
    keys = ("auc", "refused", "answered", "matched")
    return figures | {"mean": {key: round(mean(figures[name][key] for name in sets), 3) for key in keys}}


def choice(sets: Sets) -> dict[str, Any]:
    """Choose a form of rare words without each set, and measure it there."""
    out: dict[str, Any] = {}
    for name, seen in sets.items():
        others = _without(sets, name)
        rates = {
            form: mean(_matched(names, _without(others, held), others[held]) for held in others)
            for form, names in RARE.items()
        }
        form = min(rates, key=rates.__getitem__)
        out[name] = {
            "chosen": form,
            "matched": round(_matched(RARE[form], others, seen), 3),
            "base": round(_matched(BASE, others, seen), 3),
        }
    return out | {"mean": {key: round(mean(f[key] for f in out.values()), 3) for key in ("matched", "base")}}


def _without(sets: Sets, name: str) -> Sets:
    return {other: kept for other, kept in sets.items() if other != name}


async def run(limit: int) -> None:
    """Measure every model and write the results."""
    encoder = CachedEncoder()
    sets = {name: await examples(name, encoder, limit) for name in EASY}
    if not all(sets.values()):
        raise SystemExit("the sets to learn from are missing")
    body = {model: left_out(sets, names) for model, names in MODELS.items()} | {"choice": choice(sets)}
    RESULT.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for model, figures in body.items():
        print(model, *(f"{name} {values}" for name, values in figures.items()), sep="\n    ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--limit", type=int, default=400, help="questions of each set at most")
    asyncio.run(run(parser.parse_args().limit))

"""Answerable and unanswerable questions with their passages.

Each question is searched in the corpus of its set, with its documents and without them
(``septet_retrieval.application.examples``). Questions of another set are also unanswerable (easy).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from septet_retrieval.application.examples import Evidence, compared, of_another_subject, with_and_without
from septet_retrieval.domain.answer_type import expected_type, holds
from septet_retrieval.domain.answerability import Kind, best_position
from septet_retrieval.domain.evidence import Sentence
from septet_retrieval.domain.fit_answerability import Example
from septet_retrieval.settings import RetrievalSettings

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import data_set, engine


@dataclass(frozen=True)
class QuotedExample(Example):
    """An example, the probability by the shipped coefficients, and what its sentences hold."""

    probability: Mapping[Kind, float]
    quoted: Mapping[str, bool]
    """Whether the quoted sentence holds the answer, with and without the rule about its type."""
    untyped: Mapping[str, Sequence[bool]]
    """Whether each sentence with the answer, and each other one, lacks the expected type of the answer."""


def part(question: str) -> str:
    """Half ``a`` or ``b`` of a set, by the checksum of the question."""
    return "ab"[zlib.crc32(question.encode()) % 2]


async def examples(
    name: str, foreign: Sequence[str], encoder: CachedEncoder, limit: int
) -> list[QuotedExample]:
    """Examples of the set ``name``, with questions of the sets ``foreign`` as easy ones."""
    data = data_set(name)
    if data is None:
        return []
    questions = [question for question in data.questions if question.answers or name == "anthropic_docs_qa"]
    questions = sorted(questions, key=lambda question: zlib.crc32(question.text.encode()))[:limit]
    others = [text for other in foreign for text in _questions(other)][: len(questions)]
    made: list[QuotedExample] = []
    async with engine(data, RetrievalSettings(), encoder) as searched:
        for question in questions:
            for evidence in await with_and_without(searched.searcher, question):
                made.append(await example(evidence, encoder, question.answers))
        for text in others:
            made.append(await example(await of_another_subject(searched.searcher, text), encoder))
    return made


def _questions(name: str) -> list[str]:
    """Questions of another set, ordered by checksum."""
    pairs = data_dir() / name / "pairs.jsonl"
    if pairs.exists():
        texts = [json.loads(line)["text_a"] for line in pairs.read_text(encoding="utf-8").splitlines()]
    else:
        data = data_set(name)
        texts = [question.text for question in data.questions] if data else []
    return sorted(texts, key=lambda text: zlib.crc32(text.encode()))


async def example(evidence: Evidence, encoder: CachedEncoder, answers: Sequence[str] = ()) -> QuotedExample:
    """Assess the passages as the service does, with and without cosines."""
    found = await compared(evidence, encoder)
    question, answerable = evidence.question, evidence.group == "answerable"
    return QuotedExample(
        question,
        evidence.group,
        found.example(evidence).features,
        {result.kind: result.probability for result in found.assessments},
        _quoted(question, found.sentences, found.cosines, answers) if answerable else {},
        _untyped(question, found.sentences, answers) if answerable else {},
    )


def _holding(sentences: Sequence[Sentence], answers: Sequence[str]) -> list[bool]:
    return [any(answer in sentence.text for answer in answers) for sentence in sentences]


def _untyped(question: str, sentences: Sequence[Sentence], answers: Sequence[str]) -> dict[str, list[bool]]:
    wanted = expected_type(question)
    lacking = [wanted is not None and not holds(wanted, s.text, question) for s in sentences]
    holding = _holding(sentences, answers)
    return {
        name: [lack for lack, held in zip(lacking, holding, strict=True) if held == label]
        for name, label in (("with_the_answer", True), ("other", False))
    }


def _quoted(
    question: str, sentences: Sequence[Sentence], cosines: Sequence[float], answers: Sequence[str]
) -> dict[str, bool]:
    """Whether the chosen sentence holds the answer; empty if no sentence does."""
    holding = _holding(sentences, answers)
    if not any(holding):
        return {}
    chosen = {"typed": question, "untyped": ""}
    return {name: holding[best_position(sentences, cosines, question=text)] for name, text in chosen.items()}

"""Answerable and unanswerable questions with their passages.

Each question is searched in the corpus of its set. It is *answerable* if a relevant document is among the first five
passages. Without its relevant documents and the passages with the text of its answer, the same question is
*unanswerable* (hard: the remaining passages have the same subject). Questions of another set are also unanswerable
(easy).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from septet_cli.bench.datasets import Question
from septet_contracts import Passage, RetrievalOptions
from septet_retrieval.application.search import Query
from septet_retrieval.domain.answerability import Kind, assess
from septet_retrieval.domain.evidence import MAX_PASSAGES, Terms, best_sentences
from septet_retrieval.domain.query import is_latin
from septet_retrieval.settings import RetrievalSettings

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import TENANT, Engine, data_set, engine

Group = Literal["answerable", "hard", "easy"]
_OPTIONS = RetrievalOptions(mode="hybrid", k=50, fusion="convex")
_MIN_ANSWER = 4


@dataclass(frozen=True)
class Example:
    """One question with one list of passages, and the features of each kind of evidence."""

    question: str
    group: Group
    features: Mapping[Kind, Mapping[str, float]]
    probability: Mapping[Kind, float]
    quote: str

    @property
    def answerable(self) -> bool:
        return self.group == "answerable"


def part(question: str) -> str:
    """Half ``a`` or ``b`` of a set, by the checksum of the question."""
    return "ab"[zlib.crc32(question.encode()) % 2]


async def examples(name: str, foreign: Sequence[str], encoder: CachedEncoder, limit: int) -> list[Example]:
    """Examples of the set ``name``, with questions of the sets ``foreign`` as easy ones."""
    data = data_set(name)
    if data is None:
        return []
    questions = [question for question in data.questions if question.answers or name == "anthropic_docs_qa"]
    questions = sorted(questions, key=lambda question: zlib.crc32(question.text.encode()))[:limit]
    others = [text for other in foreign for text in _questions(other)][: len(questions)]
    made: list[Example] = []
    async with engine(data, RetrievalSettings(), encoder) as searched:
        for question in questions:
            passages = await _search(searched, question.text)
            with_gold = passages[:MAX_PASSAGES]
            if any(question.grades.get(passage.document_id) for passage in with_gold):
                made.append(example(question.text, with_gold, "answerable", encoder))
            without = [passage for passage in passages if not _answers(passage, question)][:MAX_PASSAGES]
            made.append(example(question.text, without, "hard", encoder))
        for text in others:
            passages = (await _search(searched, text))[:MAX_PASSAGES]
            made.append(example(text, passages, "easy", encoder))
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


async def _search(searched: Engine, question: str) -> tuple[Passage, ...]:
    return (await searched.searcher.search(Query(TENANT, question, _OPTIONS))).passages


def _answers(passage: Passage, question: Question) -> bool:
    if question.grades.get(passage.document_id):
        return True
    return any(len(answer) >= _MIN_ANSWER and answer in passage.text for answer in question.answers)


def example(question: str, passages: Sequence[Passage], group: Group, encoder: CachedEncoder) -> Example:
    """Assess the passages as the service does, with and without cosines."""
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    (asked,) = encoder.encode([question], "question")
    vectors = encoder.encode([sentence.embedded_text for sentence in sentences], "passage")
    cosines = [float(value) for value in vectors @ asked]
    foreign = not is_latin(question)
    results = [assess(terms, passages, sentences, None, foreign=foreign)]
    if encoder.multilingual or not foreign:
        results.append(assess(terms, passages, sentences, cosines))
    return Example(
        question,
        group,
        {result.kind: result.features for result in results},
        {result.kind: result.probability for result in results},
        results[-1].best.text if results[-1].best else "",
    )

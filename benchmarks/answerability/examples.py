"""Answerable and unanswerable questions with their passages.

Each question is searched in the corpus of its set. It is *answerable* if a relevant document is among the first five
passages. Without its relevant documents and the passages with the text of its answer, the same question is
*unanswerable* (hard: the remaining passages have the same subject). Questions of another set are also unanswerable
(easy). A question whose relevant documents were not found is *unfound*: it belongs to no class, and counts only in the
end-to-end figures.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from septet_cli.bench.datasets import Question
from septet_contracts import Passage, RetrievalOptions
from septet_kit.text import is_korean
from septet_retrieval.application.search import Query
from septet_retrieval.domain.answer_type import expected_type, holds
from septet_retrieval.domain.answerability import Kind, assess, best_position
from septet_retrieval.domain.evidence import MAX_PASSAGES, Sentence, Terms, best_sentences
from septet_retrieval.domain.query import is_latin
from septet_retrieval.settings import RetrievalSettings

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder
from benchmarks.retrieval.corpus import TENANT, Engine, data_set, engine

Group = Literal["answerable", "unfound", "hard", "easy"]
_OPTIONS = RetrievalOptions(mode="hybrid", k=50, fusion="convex")
_MIN_ANSWER = 4
_MIN_KOREAN_ANSWER = 2


@dataclass(frozen=True)
class Example:
    """One question with one list of passages, and the features of each kind of evidence."""

    question: str
    group: Group
    features: Mapping[Kind, Mapping[str, float]]
    probability: Mapping[Kind, float]
    quoted: Mapping[str, bool]
    """Whether the quoted sentence holds the answer, with and without the rule about its type."""
    untyped: Mapping[str, Sequence[bool]]
    """Whether each sentence with the answer, and each other one, lacks the expected type of the answer."""

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
            found = any(question.grades.get(passage.document_id) for passage in with_gold)
            group: Group = "answerable" if found else "unfound"
            made.append(example(question.text, with_gold, group, encoder, question.answers))
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
    return any(_is_telling(answer) and answer in passage.text for answer in question.answers)


def _is_telling(answer: str) -> bool:
    """Whether the answer's text is long enough not to occur by chance. Korean words are shorter."""
    korean = is_korean(answer) and not any(map(str.isdigit, answer))
    return len(answer) >= (_MIN_KOREAN_ANSWER if korean else _MIN_ANSWER)


def example(
    question: str,
    passages: Sequence[Passage],
    group: Group,
    encoder: CachedEncoder,
    answers: Sequence[str] = (),
) -> Example:
    """Assess the passages as the service does, with and without cosines."""
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    (asked,) = encoder.encode([question], "question")
    vectors = encoder.encode([sentence.embedded_text for sentence in sentences], "passage")
    cosines = [float(value) for value in vectors @ asked]
    foreign = not is_latin(question)
    judge = partial(assess, terms, passages, sentences, foreign=foreign, question=question)
    results = [judge(None), judge(cosines)]
    return Example(
        question,
        group,
        {result.kind: result.features for result in results},
        {result.kind: result.probability for result in results},
        _quoted(question, sentences, cosines, answers) if group == "answerable" else {},
        _untyped(question, sentences, answers) if group == "answerable" else {},
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

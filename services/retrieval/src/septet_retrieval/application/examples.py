"""Answerable and unanswerable questions of a labelled data set, with the passages that the search finds.

A question is *answerable* if a relevant document is among the first five passages. Without its relevant documents and
the passages with the text of its answer, the same question is *unanswerable* (``hard``: the remaining passages have the
same subject). A question whose relevant documents were not found is *unfound*: it belongs to no class, and counts only
in the end-to-end figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from septet_contracts import Passage, RetrievalOptions
from septet_kit.text import is_korean

from septet_retrieval.application.search import Query, Searcher
from septet_retrieval.domain.answerability import Assessment, assess
from septet_retrieval.domain.evidence import MAX_PASSAGES, Sentence, Terms, best_sentences
from septet_retrieval.domain.fit_answerability import Example, Group
from septet_retrieval.domain.query import is_latin
from septet_retrieval.ports import TextEmbedder

TENANT = "bench"
_OPTIONS = RetrievalOptions(mode="hybrid", k=50, fusion="convex")
_MIN_ANSWER = 4
_MIN_KOREAN_ANSWER = 2


class LabelledQuestion(Protocol):
    """A question with its relevant documents by id and the texts of its answers."""

    @property
    def text(self) -> str: ...

    @property
    def grades(self) -> Mapping[str, float]: ...

    @property
    def answers(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Evidence:
    """A question with one list of passages."""

    question: str
    group: Group
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Compared:
    """The best sentences of the passages, their cosines, and the assessments without and with them."""

    sentences: Sequence[Sentence]
    cosines: Sequence[float]
    assessments: tuple[Assessment, Assessment]

    def example(self, evidence: Evidence) -> Example:
        """The features of each kind of evidence."""
        return Example(evidence.question, evidence.group, {a.kind: a.features for a in self.assessments})


async def with_and_without(searcher: Searcher, question: LabelledQuestion) -> tuple[Evidence, Evidence]:
    """The question with the passages found, and with those that remain after the removal of its answer."""
    passages = await _search(searcher, question.text)
    with_gold = passages[:MAX_PASSAGES]
    found = any(question.grades.get(passage.document_id) for passage in with_gold)
    without = tuple(passage for passage in passages if not _answers(passage, question))[:MAX_PASSAGES]
    return (
        Evidence(question.text, "answerable" if found else "unfound", with_gold),
        Evidence(question.text, "hard", without),
    )


async def of_another_subject(searcher: Searcher, question: str) -> Evidence:
    """A question that no document of the corpus answers."""
    return Evidence(question, "easy", (await _search(searcher, question))[:MAX_PASSAGES])


async def compared(evidence: Evidence, embedder: TextEmbedder) -> Compared:
    """Assess the passages as the service does, with and without cosines."""
    question, passages = evidence.question, evidence.passages
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    (asked,) = await embedder.embed([question], "question")
    cosines: list[float] = []
    if sentences:
        vectors = await embedder.embed([sentence.embedded_text for sentence in sentences], "passage")
        cosines = [float(value) for value in vectors @ asked]
    judge = partial(assess, terms, passages, sentences, foreign=not is_latin(question), question=question)
    return Compared(sentences, cosines, (judge(None), judge(cosines)))


async def examples(
    searcher: Searcher, embedder: TextEmbedder, questions: Iterable[LabelledQuestion]
) -> list[Example]:
    """Two examples of each question: with its documents and without them."""
    made: list[Example] = []
    for question in questions:
        for evidence in await with_and_without(searcher, question):
            made.append((await compared(evidence, embedder)).example(evidence))
    return made


async def _search(searcher: Searcher, question: str) -> tuple[Passage, ...]:
    return (await searcher.search(Query(TENANT, question, _OPTIONS))).passages


def _answers(passage: Passage, question: LabelledQuestion) -> bool:
    if question.grades.get(passage.document_id):
        return True
    return any(_is_telling(answer) and answer in passage.text for answer in question.answers)


def _is_telling(answer: str) -> bool:
    """Whether the answer's text is long enough not to occur by chance. Korean words are shorter."""
    korean = is_korean(answer) and not any(map(str.isdigit, answer))
    return len(answer) >= (_MIN_KOREAN_ANSWER if korean else _MIN_ANSWER)

"""The input of scorers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_contracts import Outcome, Passage, Verdict
from septet_kit.text import is_korean

from septet_eval.domain.text import Sentence, numbers, sentences, terms, without_citations

Vector = NDArray[np.float32]

MAX_CHARACTERS = 20_000
MAX_SENTENCES = 200
MAX_REFERENCES = 20
"""Scorers read at most this much of an answer, of each passage and of the references, which bounds their cost."""


@dataclass(frozen=True)
class Case:
    """One question with its answer and passages. Values that several scorers use are computed once.

    ``question_vector`` and ``answer_vector`` are L2-normalised embeddings [d] by ``vector_model``.
    """

    question: str
    answer: str
    answered: bool = True
    structured: bool = False
    cached: bool = False
    passages: tuple[Passage, ...] = ()
    references: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    question_vector: Vector | None = None
    answer_vector: Vector | None = None
    vector_model: str = ""

    @cached_property
    def plain_answer(self) -> str:
        """The answer without citation markers."""
        return without_citations(self.answer)

    @cached_property
    def korean(self) -> bool:
        return is_korean(self.plain_answer)

    @cached_property
    def question_terms(self) -> frozenset[str]:
        return terms(self.question)

    @cached_property
    def answer_terms(self) -> frozenset[str]:
        return terms(self.plain_answer)

    @cached_property
    def sentences(self) -> list[Sentence]:
        return sentences(self.answer)[:MAX_SENTENCES]

    @cached_property
    def passage_terms(self) -> list[frozenset[str]]:
        """Terms of each passage with its title and location, in passage order."""
        return [terms(f"{p.title} {p.location} {p.text[:MAX_CHARACTERS]}") for p in self.passages]

    @cached_property
    def passage_numbers(self) -> list[frozenset[str]]:
        """Numbers in each passage, in passage order."""
        return [numbers(p.text[:MAX_CHARACTERS]) for p in self.passages]


def case_of(outcome: Outcome) -> Case:
    """The case of an outcome. Scorers read the values of a JSON answer.

    A reply to small talk and a search without an answer are of kind ``none``: they are not judged as answers.
    """
    structured = outcome.ask.output_schema is not None
    answer = outcome.answer or ""
    reference = outcome.ask.reference
    references = (reference,) if isinstance(reference, str) else tuple(reference or ())
    return Case(
        question=outcome.ask.query[:MAX_CHARACTERS],
        answer=(json_text(answer) if structured else answer)[:MAX_CHARACTERS],
        answered=outcome.status == "answered" and outcome.answer_kind != "none",
        structured=structured,
        cached=outcome.answer_kind == "cached",
        passages=outcome.passages,
        references=tuple(r[:MAX_CHARACTERS] for r in references[:MAX_REFERENCES]),
        verdicts=outcome.verdicts,
    )


def json_text(answer: str) -> str:
    """The values of a JSON text without its keys, one a line; any other text unchanged."""

    try:
        return "\n".join(_leaves(json.loads(answer)))
    except (json.JSONDecodeError, RecursionError):
        return answer


def object_texts(answer: str) -> Iterator[str]:
    """The scalar values of each object of a JSON text, in one line; nothing for any other or a longer text."""
    if len(answer) > MAX_CHARACTERS:
        return
    try:
        yield from _objects(json.loads(answer))
    except (json.JSONDecodeError, RecursionError):
        return


def _objects(value: Any) -> Iterator[str]:
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    scalars = [item for item in items if isinstance(item, str | int | float) and not isinstance(item, bool)]
    if scalars:
        yield " ".join(map(str, scalars))
    for item in items:
        if isinstance(item, dict | list):
            yield from _objects(item)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)

"""Terms of passages and questions, and their stored form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from septet_retrieval.domain.analysis import analyze, analyze_question
from septet_retrieval.domain.passages import IndexedPassage, Instruction
from septet_retrieval.domain.query import ANALYZED_CHARACTERS

TITLE_BOOST = 0.5
"""Weight of the heading's BM25 score relative to that of heading and text: +.01 to +.04 nDCG@10 over no boost."""

_MAX_QUESTION_TERMS = 256


def indexed_terms(passage: IndexedPassage) -> Mapping[str, str]:
    """Return the fields ``body`` (heading and text) and ``title`` (heading), as terms separated by spaces."""
    return {
        "body": " ".join(analyze(f"{passage.heading}\n{passage.text}")),
        "title": " ".join(analyze(passage.heading)),
    }


def question_terms(question: str) -> list[str]:
    """Return the terms of a question, at most 256: engines limit the clauses of a query."""
    return analyze_question(question[:ANALYZED_CHARACTERS])[:_MAX_QUESTION_TERMS]


def dump(passage: IndexedPassage) -> dict[str, Any]:
    return asdict(passage)


def passage_id_of(dumped: bytes) -> str:
    """Return the id of a passage dumped as JSON, without parsing the rest.

    The id is the first value, and it contains neither comma nor quote.
    """
    return dumped[: dumped.index(b",")].decode().split('"')[3]


def load(stored: bytes | Mapping[str, Any]) -> IndexedPassage:
    """Return the dumped passage. Dumps from before the detector have no ``instructions``."""
    fields = dict(json.loads(stored) if isinstance(stored, bytes) else stored)
    instructions = tuple(Instruction(*found) for found in fields.pop("instructions", ()))
    return IndexedPassage(**fields, instructions=instructions)

"""The labelled data of a calibration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from septet_cache.domain.fit_classifier import Pair
from septet_cache.domain.normalise import normal_form
from septet_eval.domain.text import sentences

from septet_cli.bench.datasets import DataSet, json_rows, load_dataset
from septet_cli.errors import CliError

if TYPE_CHECKING:
    from septet_cli.bench.datasets import Question

LABELS = ("same", "duplicate", "paraphrase")
EXPECTED_PAIR = "expected JSON lines with text_a, text_b and same (true or false)"
_LEAST_WORDS = 3


def load_questions(folder: Path, limit: int | None) -> DataSet:
    """A data set in a format of ``septet bench rag``, with its questions in the order of their hashes.

    Raises:
        CliError: the folder has no known layout, or a file is malformed.
    """
    data = load_dataset(folder)
    questions = tuple(sorted(data.questions, key=lambda q: _hash(q.text)))
    return replace(data, questions=questions[:limit])


def load_pairs(file: Path, limit: int | None) -> list[Pair]:
    """Question pairs in the order of their hashes, without pairs of equal normal forms, which are exact hits.

    Raises:
        CliError: the file is missing or malformed.
    """
    if not file.is_file():
        raise CliError(f"{file} is no file.", EXPECTED_PAIR)
    found = [_pair(file, number, row) for number, row in json_rows(file)]
    found = [p for p in found if normal_form(p.left) != normal_form(p.right)]
    return sorted(found, key=lambda p: (_hash(p.left + "\x1f" + p.right), p.same))[:limit]


def _pair(file: Path, number: int, row: dict[str, Any]) -> Pair:
    label = next((row[name] for name in LABELS if name in row), None)
    left, right = row.get("text_a"), row.get("text_b")
    if not isinstance(left, str) or not isinstance(right, str) or label not in (True, False):
        raise CliError(f"{file}:{number} is no question pair.", EXPECTED_PAIR)
    return Pair("pairs", str(row.get("id", number)), left, right, bool(label))


def answered(data: DataSet) -> list[tuple[str, str]]:
    """Each question with an answer in words.

    That is the sentence of a relevant document that holds a reference answer, as an extractive answer quotes it, or
    the reference itself if it has at least three words. Other questions are left out.
    """
    texts = {document.document_id: document.text for document in data.documents}
    found = ((q.text, _answer(q, texts)) for q in data.questions)
    return [(question, answer) for question, answer in found if answer]


def _answer(question: Question, texts: dict[str, str]) -> str | None:
    for name, grade in question.grades.items():
        if grade > 0 and name in texts:
            for sentence in sentences(texts[name]):
                if any(answer in sentence.text for answer in question.answers):
                    return sentence.text
    long = (answer for answer in question.answers if len(answer.split()) >= _LEAST_WORDS)
    return next(long, None)


def description_of(data: DataSet) -> dict[str, Any]:
    """Name, digest and size of a data set."""
    documents = [(d.document_id, d.title, d.text) for d in data.documents]
    questions = [(q.text, sorted(q.grades.items()), q.answers) for q in data.questions]
    return {
        "name": data.name,
        "sha256": _digest([documents, questions]),
        "documents": len(documents),
        "questions": len(questions),
    }


def description_of_pairs(file: Path, pairs: Iterable[Pair]) -> dict[str, Any]:
    """Name, digest and size of question pairs."""
    rows = [(p.left, p.right, p.same) for p in pairs]
    return {"name": file.name, "sha256": _digest(rows), "pairs": len(rows)}


def _digest(content: object) -> str:
    return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()

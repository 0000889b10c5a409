"""Reads labelled data sets in the two layouts of ``bench rag``."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from septet_experiments.cases import Case

from septet_cli.errors import CliError
from septet_cli.ingest.document import Document
from septet_cli.ingest.jsonl import ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS, first_text

CORPUS_FILES = ("corpus", "chunks", "contexts", "documents")
GOLD_FIELDS = (
    "relevant_ids",
    "context_id",
    "context_ids",
    "supporting_doc_ids",
    "doc_id",
    "doc_ids",
    "gold_ids",
)
MAX_ID = 96
QUESTION_FIELDS = ("question", "query", "text")
EXPECTED = (
    "BEIR: corpus.jsonl (id, title, text), queries.jsonl (id, text), qrels.jsonl (query_id, doc_id, score); or "
    "a question set: corpus|chunks|contexts|documents.jsonl and questions.jsonl (question, gold documents in "
    "relevant_ids|context_id|supporting_doc_ids|doc_id, answers in answer|answers)"
)


@dataclass(frozen=True)
class Question:
    """A question with its reference answers and the relevance grades of documents."""

    question_id: str
    text: str
    grades: Mapping[str, float]
    answers: tuple[str, ...] = ()

    @property
    def relevant(self) -> dict[str, int]:
        """Grades of the relevant documents as whole numbers, at least 1: trec_eval knows no others."""
        return {name: max(1, round(grade)) for name, grade in self.grades.items() if grade > 0}

    def case(self) -> Case:
        """The question as a case of an evaluation run."""
        return Case(
            id=case_id(self.question_id),
            question=self.text,
            references=self.answers,
            relevant=self.relevant,
        )


def case_id(question_id: str) -> str:
    """The id of a question as the id of a case, which is limited in length."""
    if len(question_id) <= MAX_ID:
        return question_id
    return hashlib.sha256(question_id.encode()).hexdigest()


@dataclass(frozen=True)
class DataSet:
    """A corpus and its questions."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]


def load_dataset(folder: Path, limit: int | None = None) -> DataSet:
    """Read a data set.

    Args:
        folder: folder with the files of one layout.
        limit: number of questions with a relevant document to keep; None keeps all.

    Raises:
        CliError: the folder has neither layout, or a file is malformed.
    """
    corpus = next((f for name in CORPUS_FILES if (f := folder / f"{name}.jsonl").is_file()), None)
    questions = folder / "questions.jsonl"
    if corpus is not None and questions.is_file():
        found = [_question(row, i) for i, row in json_rows(questions)]
    elif corpus is not None and (folder / "queries.jsonl").is_file():
        found = _beir(folder)
    else:
        raise CliError(f"{folder} holds no data set in a known layout.", f"expected {EXPECTED}")
    documents = tuple({d.document_id: d for d in _documents(corpus)}.values())
    known = {d.document_id for d in documents}
    usable = [q for q in found if q.text and any(g > 0 and d in known for d, g in q.grades.items())]
    if not usable:
        raise CliError(
            f"No question of {folder} has a relevant document in {corpus.name}.", f"expected {EXPECTED}"
        )
    return DataSet(folder.resolve().name, documents, tuple(usable[:limit]))


def json_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON lines file with their line numbers.

    Raises:
        CliError: a line is not a JSON object.
    """
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise CliError(f"{file}:{number} is not JSON: {error}", "correct that line") from error
            if not isinstance(row, dict):
                raise CliError(f"{file}:{number} is not a JSON object.", "correct that line")
            yield number, row


def _documents(corpus: Path) -> Iterator[Document]:
    for number, row in json_rows(corpus):
        name = first_text(row, ID_FIELDS)
        if not name:
            raise CliError(f"{corpus}:{number} has no id.", f"add one of the fields {', '.join(ID_FIELDS)}")
        title = first_text(row, TITLE_FIELDS)
        text = first_text(row, TEXT_FIELDS) or title
        if text:
            yield Document(name, text, title)


def _question(row: dict[str, Any], number: int) -> Question:
    gold = next((row[name] for name in GOLD_FIELDS if row.get(name)), ())
    names = gold if isinstance(gold, list) else [gold] if gold else []
    return Question(
        first_text(row, ("id", "_id", "question_id", "query_id")) or str(number),
        first_text(row, QUESTION_FIELDS),
        {str(name): 1.0 for name in names},
        _answers(row.get("answers") or row.get("answer")),
    )


def _answers(value: Any) -> tuple[str, ...]:
    """Texts of the answers, given as a text, a list, or an object of SQuAD."""
    if isinstance(value, dict):
        return _answers(value.get("text"))
    if isinstance(value, list):
        return tuple(dict.fromkeys(text for item in value for text in _answers(item)))
    return (str(value),) if value not in (None, "") else ()


def _beir(folder: Path) -> list[Question]:
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    for query, document, grade in _qrels(folder):
        grades[query][document] = grade
    queries = (row for _, row in json_rows(folder / "queries.jsonl"))
    named = ((first_text(row, ("id", "_id", "query_id")), row) for row in queries)
    return [
        Question(
            name,
            first_text(row, ("text", "query", "question")),
            grades.get(name, {}),
            _answers(row.get("answers")),
        )
        for name, row in named
    ]


def _qrels(folder: Path) -> Iterator[tuple[str, str, float]]:
    lines = folder / "qrels.jsonl"
    if lines.is_file():
        for _, row in json_rows(lines):
            query = first_text(row, ("query_id", "query-id", "qid", "query"))
            document = first_text(row, ("doc_id", "corpus-id", "corpus_id", "document_id", "docid"))
            yield query, document, float(row.get("score", row.get("relevance", row.get("grade", 1))))
        return
    table = next(
        (f for name in ("test", "dev", "train") if (f := folder / "qrels" / f"{name}.tsv").is_file()), None
    )
    if table is None:
        raise CliError(f"{folder} has no qrels.jsonl.", f"expected {EXPECTED}")
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield row["query-id"], row["corpus-id"], float(row["score"])

"""Labelled data sets: both layouts, their variants, and malformed folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from septet_cli.bench.datasets import load_dataset
from septet_cli.errors import CliError


def write(file: Path, *rows: dict[str, Any]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def test_beir_layout_with_grades(tmp_path: Path) -> None:
    write(
        tmp_path / "corpus.jsonl", {"_id": "d1", "title": "T", "text": "one"}, {"_id": "d2", "title": "two"}
    )
    write(tmp_path / "queries.jsonl", {"_id": "q1", "text": "which?"}, {"_id": "q2", "text": "unjudged"})
    write(
        tmp_path / "qrels.jsonl",
        {"query_id": "q1", "doc_id": "d1", "score": 2},
        {"query_id": "q1", "doc_id": "d2", "score": 0},
    )
    data = load_dataset(tmp_path)
    assert [d.text for d in data.documents] == ["one", "two"]
    assert [(q.question_id, dict(q.grades)) for q in data.questions] == [("q1", {"d1": 2.0, "d2": 0.0})]


def test_beir_layout_with_qrels_as_a_table(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", {"id": "d1", "text": "one"})
    write(tmp_path / "queries.jsonl", {"id": 7, "text": "which?"})
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n7\td1\t1\n")
    assert load_dataset(tmp_path).questions[0].grades == {"d1": 1.0}


@pytest.mark.parametrize("corpus", ["corpus", "chunks", "contexts", "documents"])
@pytest.mark.parametrize(
    ("gold", "grades"),
    [
        ({"relevant_ids": ["d1", "d2"]}, {"d1": 1.0, "d2": 1.0}),
        ({"context_id": "d1"}, {"d1": 1.0}),
        ({"supporting_doc_ids": ["d2"]}, {"d2": 1.0}),
        ({"doc_id": "d1"}, {"d1": 1.0}),
    ],
)
def test_question_sets(tmp_path: Path, corpus: str, gold: dict[str, Any], grades: dict[str, float]) -> None:
    write(tmp_path / f"{corpus}.jsonl", {"id": "d1", "text": "하나"}, {"id": "d2", "text": "둘"})
    write(tmp_path / "questions.jsonl", {"id": "q", "question": "몇?", **gold})
    assert dict(load_dataset(tmp_path).questions[0].grades) == grades


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"answer": "one"}, ("one",)),
        ({"answers": ["one", "two", "one"]}, ("one", "two")),
        ({"answers": [{"text": "one", "start": 3}]}, ("one",)),
        ({"answers": {"text": ["one"], "answer_start": [3]}}, ("one",)),
        ({"answers": []}, ()),
        ({"answers": [], "answer": "one"}, ("one",)),
        ({"answer": 42}, ("42",)),
    ],
)
def test_answers_in_every_form(tmp_path: Path, given: dict[str, Any], answers: tuple[str, ...]) -> None:
    write(tmp_path / "corpus.jsonl", {"id": "d1", "text": "one"})
    write(tmp_path / "questions.jsonl", {"question": "?", "doc_id": "d1", **given})
    assert load_dataset(tmp_path).questions[0].answers == answers


def test_limit_counts_questions_with_a_relevant_document(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", {"id": "d1", "text": "one"})
    asked = [{"question": f"q{i}", "doc_id": "d1" if i % 2 else "gone"} for i in range(10)]
    write(tmp_path / "questions.jsonl", *asked)
    assert [q.text for q in load_dataset(tmp_path, 2).questions] == ["q1", "q3"]


def test_an_unknown_layout_names_the_expected_files(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", {"id": "d1"})
    with pytest.raises(CliError) as caught:
        load_dataset(tmp_path)
    assert "corpus.jsonl" in caught.value.fix
    assert "questions.jsonl" in caught.value.fix


def test_a_malformed_line_is_reported_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "d1", "text": "one"}\n{oops\n')
    write(tmp_path / "questions.jsonl", {"question": "?", "doc_id": "d1"})
    with pytest.raises(CliError, match=r"corpus\.jsonl:2"):
        load_dataset(tmp_path)

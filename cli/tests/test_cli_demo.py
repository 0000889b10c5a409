"""Parts of the demo: facts of a run, the unrelated question, the last line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console
from septet_cli.demo.checks import Checks
from septet_cli.demo.corpus import UNRELATED_QUESTIONS, make_facts, unrelated_question
from septet_cli.demo.scenes_gates import UNSURE, break_prompt
from septet_cli.ingest.document import Document, stale_parts


def test_each_run_has_its_own_facts() -> None:
    gateway, festival = make_facts("one")
    assert make_facts("one") == (gateway, festival)
    assert not {f.question for f in make_facts("two")} & {gateway.question, festival.question}
    name = gateway.question.split()[4]
    assert name in gateway.document.text
    assert name not in festival.document.text


def test_the_unrelated_question_is_not_quoted_in_the_documents() -> None:
    assert unrelated_question([]) == UNRELATED_QUESTIONS[0]
    quoting = Document("d", f'septet ask "{UNRELATED_QUESTIONS[0]}"')
    assert unrelated_question([quoting]) == UNRELATED_QUESTIONS[1]


def test_the_last_line_counts_checks() -> None:
    text = StringIO()
    checks = Checks(Console(file=text, width=200))
    assert checks.that("good", True, expected="x", got="y")
    assert not checks.that("bad", False, expected="[1]", got="[2]")
    assert checks.line == "demo: 1 passed, 1 failed"
    assert "PASS good" in text.getvalue()
    assert "expected [1]; got [2]" in text.getvalue()


def test_parts_of_a_document_that_shrank_are_stale() -> None:
    vanished = {"a#part-1", "a#part-2", "b", "c#part-1"}
    assert stale_parts(vanished, {"a", "d"}) == {"a#part-1", "a#part-2"}
    assert stale_parts({"a"}, {"a#part-1"}) == {"a"}


def test_the_broken_prompt_differs_in_what_the_model_is_told_alone(tmp_path: Path) -> None:
    break_prompt(tmp_path)
    template = (tmp_path / "answer@1.en.j2").read_text(encoding="utf-8")
    examples = template.count("{% block example")
    assert template.count(UNSURE) == examples // 2 + 1
    assert "[n]" not in template
    assert "{{ question }}" in template
    assert {path.name for path in tmp_path.glob("*.j2")} == {
        "answer@1.en.j2",
        "answer@1.ko.j2",
        "revise@1.en.j2",
        "revise@1.ko.j2",
    }

"""Limits of groundedness: its time for hostile texts, and the size of its caches."""

from __future__ import annotations

import time

import pytest
from septet_contracts import Ask, Draft, Passage
from septet_guardrails.domain.grounding import Evidence, score_sentence
from septet_guardrails.domain.grounding.claims import denied
from septet_guardrails.domain.grounding.polarity import _clauses
from septet_guardrails.domain.grounding.tables import MAX_TABLES, split_tables
from septet_guardrails.domain.policy import GroundednessRule
from septet_guardrails.domain.rails.base import Answer
from septet_guardrails.domain.rails.groundedness import GroundednessRail, evidence_of
from septet_guardrails.domain.text import MAX_CACHED, cached_if_short
from septet_kit.testing import flow

BODY = 1024 * 1024
TABLES = "|a|b|\n|1|2|\n.\n"
COLUMNS = [first + last for first in "bcdfgklmnp" for last in ("ax", "ox", "ix", "uk")]
WIDE = "\n".join(f"|{'|'.join(cells)}|" for cells in (COLUMNS, *[["1"] * 40] * 200))
SENTENCES = " ".join(f"The a is {number}." for number in range(10))
SHORT_CLAIM = f"{' '.join(COLUMNS)} {'1 ' * 38}. "


def filled(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            passage_id=f"p{number}",
            document_id="d",
            content_hash="h",
            text=text,
            start=0,
            end=len(text),
            score=1.0,
        )
        for number, text in enumerate(texts, 1)
    )


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (SENTENCES, [filled(TABLES, BODY)]),
        (SENTENCES, [filled(TABLES, BODY // 50)] * 50),
        (f"{' '.join(COLUMNS)} {'zz ' * 1000}", [WIDE] * 50),
        (SHORT_CLAIM * 2, [WIDE] * 50),
    ],
    ids=["a passage of tables", "passages of tables", "a long claim", "a claim with all columns"],
)
def test_groundedness_takes_bounded_time(answer: str, texts: list[str]) -> None:
    draft = flow(Draft, answer=answer, ask=Ask(question="What is a?"), passages=passages(*texts))
    size = len(answer) + sum(map(len, texts))
    start = time.process_time()
    GroundednessRail().check(Answer(answer, draft), GroundednessRule())
    assert time.process_time() - start < size / 10_000 * 0.1


def test_tables_are_limited_by_passage_and_by_request() -> None:
    tables, prose = split_tables(TABLES * 20)
    assert len(tables) == MAX_TABLES
    assert prose.count("|a|b|") == 20 - MAX_TABLES
    evidence = evidence_of(passages(*[TABLES * 20] * 20))
    assert sum(len(passage.tables) for passage in evidence) == 50
    assert len(evidence[-1].sentences) > len(evidence[0].sentences)


def test_a_table_does_not_support_a_claim_that_is_too_long_to_compare() -> None:
    table = "| plan | price |\n|---|---|\n| Basic | 5 USD |"
    claim = "The price of the Basic plan is 5 USD"
    evidence = [Evidence.of(1, table)]
    assert score_sentence(f"{claim}.", evidence, "").probability >= 0.5
    assert score_sentence(f"{claim} {'basic plan price ' * 60} stolen.", evidence, "").probability < 0.5


def test_denials_and_clauses_are_compared_in_linear_time() -> None:
    start = time.process_time()
    denied("not a a a a " * 4_000)
    assert time.process_time() - start < 3
    assert len(_clauses("가고 나며 " * 1_000)) <= 40


def test_only_results_of_short_texts_are_cached() -> None:
    calls: list[str] = []

    @cached_if_short(maxsize=8)
    def parse(text: str, _: int) -> str:
        calls.append(text)
        return text

    long, short = "x" * (MAX_CACHED + 1), "x" * MAX_CACHED
    assert [parse(text, 1) for text in (long, long, short, short)] == [long, long, short, short]
    assert calls == [long, long, short]

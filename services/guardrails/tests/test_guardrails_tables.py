"""Claims about tables: a value counts only in the row of its subject and under its column."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.grounding import Evidence, Leaf, leaves, score_leaf, score_sentence
from septet_guardrails.domain.grounding.tables import split_tables

PIPES = """# Plans

| plan | price per month | storage |
|---|---|---|
| Basic | 5 USD | 10 GB |
| Team | 12 USD | 250 GB |
| Enterprise | 40 USD | 2 TB |

Team customers get answers within 4 hours.
"""
ROWS = """plan: Basic; price per month: 5 USD; storage: 10 GB
plan: Team; price per month: 12 USD; storage: 250 GB
plan: Enterprise; price per month: 40 USD; storage: 2 TB

Team customers get answers within 4 hours.
"""
PROSE = (
    "The Basic plan costs 5 USD per month and has 10 GB. The Team plan costs 12 USD. It has 250 GB of storage. "
    "The Enterprise plan costs 40 USD. Team customers get answers within 4 hours."
)
KOREAN = """| 요금제 | 월 가격 | 저장 용량 |
|---|---|---|
| 기본 | 5,000원 | 10 GB |
| 팀 | 12,000원 | 250 GB |
| 기업 | 40,000원 | 2 TB |
"""


def probability(claim: str, text: str, question: str = "") -> float:
    return score_sentence(claim, [Evidence.of(1, text, "Plans and prices")], question).probability


@pytest.mark.parametrize("text", [PIPES, ROWS])
@pytest.mark.parametrize(
    "claim",
    [
        "The Team plans cost per month is 12 USD [1].",
        "The Basic plan has 10 GB of storage [1].",
        "The Team plan costs $12 per month.",
        "Enterprise costs 40 USD and Team costs 12 USD.",
        "Team customers get answers within 4 hours.",
        "The price per month of Enterprise is 40 dollars.",
    ],
)
def test_claims_of_one_row_are_supported(claim: str, text: str) -> None:
    assert probability(claim, text) >= 0.5


@pytest.mark.parametrize("text", [PIPES, ROWS])
@pytest.mark.parametrize(
    "claim",
    [
        "The Team plans cost per month is 4 USD [1].",
        "The Team plan costs 5 USD per month.",
        "The Basic plan has 2 TB of storage [1].",
        "The storage of Team is 12 USD.",
        "The Team plan costs 12 GB.",
        "Enterprise costs 40 USD and Team costs 5 USD.",
        "The Team plan does not cost 12 USD per month.",
        "The Team plan costs less than 12 USD per month.",
        "Team customers get answers within 12 hours.",
    ],
)
def test_values_of_other_rows_columns_and_units_are_not_supported(claim: str, text: str) -> None:
    assert probability(claim, text) < 0.5


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("팀 요금제의 월 가격은 12,000원입니다.", True),
        ("팀 요금제의 저장 용량은 250 GB입니다.", True),
        ("팀 요금제의 월 가격은 5,000원입니다.", False),
        ("기본 요금제의 저장 용량은 2 TB입니다.", False),
        ("팀 요금제의 저장 용량은 12,000원입니다.", False),
    ],
)
def test_korean_claims_about_a_table(claim: str, supported: bool) -> None:
    assert (probability(claim, KOREAN) >= 0.5) is supported


@pytest.mark.parametrize("text", [PIPES, ROWS])
def test_the_question_names_the_subject_of_a_claim_without_one(text: str) -> None:
    assert probability("12 USD per month [1].", text, "How much is the Team plan?") >= 0.5
    assert probability("5 USD per month [1].", text, "How much is the Team plan?") < 0.5


@pytest.mark.parametrize("text", [PIPES, ROWS, PROSE])
@pytest.mark.parametrize(
    ("answer", "supported"),
    [
        ({"plan": "Team", "price_usd": 12}, True),
        ({"plan": "Team", "price_usd": 40}, False),
        ({"plan": "Team", "price": 4}, False),
        ({"plan": "Team", "answer_hours": 4}, True),
        ({"plans": [{"name": "Basic", "price": 5}, {"name": "Team", "price": 12}]}, True),
        ({"plans": [{"name": "Basic", "price": 12}, {"name": "Team", "price": 5}]}, False),
        ({"plan": "Basic", "storage": "10 GB"}, True),
        ({"plan": "Basic", "storage": "250 GB"}, False),
        ({"plan": "Premium", "price_usd": 12}, False),
    ],
)
def test_every_value_of_a_json_answer_needs_its_subject(
    answer: dict[str, object], supported: bool, text: str
) -> None:
    evidence = [Evidence.of(1, text, "Plans")]
    found = [score_leaf(leaf, evidence, "What do the plans cost?") for leaf in leaves(answer, {})]
    assert found
    assert (min(found) >= 0.5) is supported


def test_a_value_without_other_values_needs_the_subject_of_the_question() -> None:
    evidence = [Evidence.of(1, PIPES)]
    (right,), (wrong,) = leaves({"price_usd": 12}, {}), leaves({"price_usd": 40}, {})
    assert score_leaf(right, evidence, "How much is the Team plan?") >= 0.5
    assert score_leaf(wrong, evidence, "How much is the Team plan?") < 0.5


def test_booleans_nulls_and_labels_of_the_schema_are_not_values_of_passages() -> None:
    schema = {"properties": {"mood": {"enum": ["good", "bad"]}, "kind": {"const": "note"}}}
    answer = {"mood": "good", "kind": "note", "open": True, "more": None, "n": 3}
    assert leaves(answer, schema) == [Leaf("n", "3", ())]


def test_tables_are_found_apart_from_prose() -> None:
    for text in (PIPES, ROWS):
        (table,), prose = split_tables(text)
        assert table.columns == ("plan", "price per month", "storage")
        assert table.rows[1] == ("Team", "12 USD", "250 GB")
        assert "250" not in prose
        assert "within 4 hours" in prose


@pytest.mark.parametrize(
    "text",
    [
        "def f(x: int | None) -> str | bytes:\n    return a | b\n",
        "One line | with a bar",
        "Use a; b; and c: d.",
    ],
)
def test_bars_and_semicolons_in_code_and_prose_are_no_tables(text: str) -> None:
    assert split_tables(text) == ([], text)


def test_rows_with_empty_cells_are_one_table() -> None:
    (table,), _ = split_tables("plan: Basic; price: 5\nplan: Team; storage: 10 GB; price: 12")
    assert table.columns == ("plan", "price", "storage")
    assert table.rows == (("Basic", "5", ""), ("Team", "12", "10 GB"))


def test_long_cells_are_text() -> None:
    cell = (
        "Appends and pops from either side run in constant time, and the length can be bounded with maxlen."
    )
    _, prose = split_tables(f"| name | about |\n|---|---|\n| deque | {cell} |")
    assert prose == f"deque: {cell}"

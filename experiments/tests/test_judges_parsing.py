"""Verdicts in the replies of judges."""

from __future__ import annotations

import pytest
from septet_experiments.judges.errors import Unparsed
from septet_experiments.judges.parsing import alpaca_verdict, form_score, json_object, pair_verdict, rating


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("[[A]]", "A"),
        ("Both are correct. My final verdict is: [[B]]", "B"),
        ("[[C]]", "tie"),
        ('You asked for "[[A]]", "[[B]]" or "[[C]]". Final verdict: [[B]]', "B"),
        ("답변 B가 더 정확합니다.\n[[ B ]]", "B"),
        ("Assistant A: 8, assistant B: 6. [[8, 6]]", "A"),
        ("[[6,6]]", "tie"),
        ("[[6.5, 7]]", "B"),
        ('{"reason": "shorter", "winner": "A"}', "A"),
        ('```json\n{"winner": "tie"}\n```', "tie"),
        ("m", "A"),
        ("**M**", "B"),
    ],
)
def test_verdicts_on_pairs(text: str, verdict: str) -> None:
    assert pair_verdict(text) == verdict


@pytest.mark.parametrize(
    "text", ["", "Answer A is better.", "[A]", "[[D]]", "mM", "I prefer m", '{"winner": "both"}', "{", "[[]]"]
)
def test_a_reply_without_a_verdict_on_a_pair_is_unparsed(text: str) -> None:
    with pytest.raises(Unparsed):
        pair_verdict(text)


def test_letters_of_alpaca_eval_differ_by_case() -> None:
    assert (alpaca_verdict("m\n"), alpaca_verdict("`M`")) == ("A", "B")
    with pytest.raises(Unparsed):
        alpaca_verdict("The better one is M")


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Rating: [[5]]", 5),
        ("First I thought [[2]]. After the second turn: Rating: [[4]]", 4),
        ("[[3.5]]", 3.5),
        ("Rating: [4]", 4),
        ('{"reason": "cites [2]", "score": 3}', 3),
        ('The answer cites [2].\n{"score": "4/5", "reason": "fine"}', 4),
        ("4", 4),
        ("Score: 4/5", 4),
        ("점수: 4점", 4),
        ('Draft: {"score": 1}. Final: {"score": 5}', 5),
    ],
)
def test_ratings(text: str, score: float) -> None:
    assert rating(text, 1, 5) == score


@pytest.mark.parametrize(
    "text",
    [
        "",
        "good",
        "It cites [2] twice.",
        "[[9]]",
        "Score: 0",
        '{"score": null}',
        '{"score": true}',
        "Out of 5, 3",
    ],
)
def test_a_reply_without_a_rating_is_unparsed_and_no_score(text: str) -> None:
    with pytest.raises(Unparsed):
        rating(text, 1, 5)


def test_json_takes_the_last_object_with_the_keys() -> None:
    text = '{"verdict": "incorrect"} no: {"verdict": "correct", "reason": "r {"} and {"note": 1}'
    assert json_object(text, "verdict")["verdict"] == "correct"
    with pytest.raises(Unparsed):
        json_object("[1, 2]", "verdict")


@pytest.mark.parametrize(
    ("text", "score"), [("4", 4.0), ("[4]", 4.0), ("점수: 4점", 4.0), ("[1", None), ("1]", None)]
)
def test_a_filled_form_is_a_whole_number(text: str, score: float | None) -> None:
    assert form_score(text) == score


def test_long_replies_cost_linear_time() -> None:
    for text in ("{" * 20_000, "3" + " " * 50_000 + "x", "[[" * 20_000, '{"a":' * 5_000):
        with pytest.raises(Unparsed):
            pair_verdict(text)
        with pytest.raises(Unparsed):
            rating(text, 1, 5)
        assert form_score(text) is None


# The formats of MT-Bench's eight judge prompts: verdicts with brackets after a free explanation.
@pytest.mark.parametrize(
    "text",
    [
        "Assistant A's code fails on an empty list [], while assistant B's handles it.\n\nFinal verdict: [[B]]",
        "<|The Start of Assistant B's Conversation with User|> quoted ... Therefore my verdict is [[B]].",
    ],
)
def test_mt_bench_explanations(text: str) -> None:
    assert pair_verdict(text) == "B"

"""Curation of datasets, in English and Korean."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_tuning.datasets.caps import cap_users, user_of
from septet_tuning.datasets.curation import Rules, curate
from septet_tuning.datasets.duplicates import TextIndex, shingles
from septet_tuning.datasets.splitting import split_rows
from septet_tuning.errors import UnsuitableData
from septet_tuning.rows import Classified, Desirability, Message, Origin

START = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS = (
    "invoices",
    "배송 조회",
    "refund policy",
    "비밀번호 초기화",
    "opening hours",
    "회원 탈퇴",
    "export",
    "포인트 적립",
)
VERBS = (
    "How do I find",
    "Where can I change",
    "왜 안 되나요",
    "Please explain",
    "언제 되나요",
    "Who approves",
)
TEXTS = [f"{verb} {subject}" for verb in VERBS for subject in SUBJECTS]


def row(number: int, *, label: bool | None = None, user: str | None = "", **fields: object) -> Desirability:
    text = str(fields.pop("text", TEXTS[number % len(TEXTS)]))
    at = (START + timedelta(minutes=number)).isoformat()
    conversation = fields.pop("conversation", None)
    who = f"u{number % 10}" if user == "" else user
    return Desirability.model_validate(
        {
            "id": f"{number:04}",
            "prompt": (Message(role="user", content=text),),
            "completion": f"{text}: answer",
            "label": number % 2 == 0 if label is None else label,
            "origin": Origin(
                source="feedback", tenant="acme", user=who, occurred_at=at, conversation_id=conversation
            ),
            **fields,
        }
    )


def unchanged(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(texts)


def test_the_held_out_rows_are_later_and_of_other_conversations() -> None:
    rows = [row(n, conversation=f"c{n // 3}") for n in range(40)]
    made = curate(rows, unchanged, Rules())
    assert made.held_out
    assert max(each.origin.occurred_at or "" for each in made.train) < min(
        each.origin.occurred_at or "" for each in made.held_out
    )
    conversations = [{each.origin.conversation_id for each in split} for split in (made.train, made.held_out)]
    assert not conversations[0] & conversations[1]
    assert curate(rows[::-1], unchanged, Rules()) == made


def test_rows_of_a_conversation_that_continues_past_the_cut_are_left_out() -> None:
    rows = [row(n, conversation="long" if n in {0, 38} else f"c{n}") for n in range(40)]
    split = split_rows(rows, 0.2)
    assert split.straddling == 1
    assert [each.id for each in (*split.train, *split.held_out) if each.origin.conversation_id == "long"] == [
        "0000"
    ]


def test_a_flood_of_one_user_has_at_most_its_share() -> None:
    flood = [row(n, user="flood") for n in range(len(TEXTS))]
    others = [row(n, user=f"u{n}", text=f"{n} 번째 질문 of {n * 7919}", weight=0.4) for n in range(100, 106)]
    rows, scaled = cap_users([*flood, *others], 0.2)
    total = sum(each.weight for each in rows)
    assert scaled == 1
    assert sum(each.weight for each in rows if each.origin.user == "flood") == pytest.approx(0.2 * total)
    assert [each.weight for each in rows if each.origin.user != "flood"] == [0.4] * 6


@pytest.mark.parametrize("user", ["one", None])
def test_one_user_alone_is_refused_with_numbers(user: str | None) -> None:
    rows = [row(n, user=user) for n in range(40)]
    with pytest.raises(
        UnsuitableData, match=r"1 users gave all feedback, the largest of them 100%.* at least 5 users"
    ):
        curate(rows, unchanged, Rules())


@given(
    st.lists(st.tuples(st.integers(0, 12), st.floats(0.01, 1)), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.1, 0.2, 0.5, 1.0]),
)
def test_no_user_exceeds_the_share(given_rows: list[tuple[int, float]], share: float) -> None:
    rows = [row(n, user=f"u{user}", weight=weight) for n, (user, weight) in enumerate(given_rows)]
    try:
        capped, _ = cap_users(rows, share)
    except UnsuitableData:
        assert len({user for user, _ in given_rows}) * share < 1
        return
    weights: dict[object, float] = defaultdict(float)
    for each in capped:
        weights[user_of(each)] += each.weight
    assert max(weights.values()) <= share * sum(weights.values()) * (1 + 1e-6) + 1e-6


def test_no_candidates_are_refused() -> None:
    with pytest.raises(UnsuitableData, match="0 candidates"):
        curate([], unchanged, Rules())


def test_a_single_class_is_refused() -> None:
    with pytest.raises(UnsuitableData, match="have the class 'desirable'"):
        curate([row(n, label=True) for n in range(40)], unchanged, Rules())


def test_contradictory_labels_are_refused_with_numbers() -> None:
    rows = [row(n) for n in range(40)]
    opposite = [row(n, label=n % 2 == 1, user="x", id=f"x{n}") for n in range(4)]
    made = curate([*rows, *opposite], unchanged, Rules())
    assert made.refused["contradictory"] == 8
    assert "4 of 40 texts have contradictory labels" in made.warnings
    with pytest.raises(UnsuitableData, match="30 of 40 texts have contradictory labels"):
        curate(
            [*rows, *(row(n, label=n % 2 == 1, user="x", id=f"x{n}") for n in range(30))], unchanged, Rules()
        )


def test_repeated_votes_of_one_user_count_once() -> None:
    rows = [row(n) for n in range(40)]
    rows += [row(0, label=True, user=f"v{n}", id=f"v{n}") for n in range(3)]
    rows += [row(0, label=False, user="flood", id=f"f{n}") for n in range(30)]
    made = curate(rows, unchanged, Rules())
    kept = [
        each.label
        for each in made.train
        if isinstance(each, Desirability) and each.prompt[0].content == TEXTS[0]
    ]
    assert kept == [True]


def test_personal_data_is_masked_and_verified() -> None:
    def mask(texts: Sequence[str]) -> tuple[str, ...]:
        # The placeholder of a number with a leading zero is found again, as by an incomplete recogniser.
        return tuple(re.sub(r"0\d+", "0000+", re.sub(r"[1-9]\d{5}", "<ID>", text)) for text in texts)

    rows = [row(n) for n in range(40)]
    rows[0] = row(0, text="주문번호 123456 환불")
    rows[1] = row(1, text="call 0123")
    made = curate(rows, mask, Rules())
    assert made.refused["personal data remains"] == 1
    assert "personal data was masked in 1 rows" in made.warnings
    assert not any("123456" in each.model_dump_json() for each in (*made.train, *made.held_out))


def test_questions_of_the_suite_are_left_out() -> None:
    suite = (TEXTS[0] + "?", TEXTS[9].replace(" ", "") + "요")
    made = curate([row(n) for n in range(40)], unchanged, Rules(suite=suite))
    assert made.refused["overlaps the suite"] == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How do I reset the password of my account?", "How do I reset the password of my account, please?"),
        ("비밀번호를 초기화하려면 어떻게 해야 하나요?", "비밀번호를 초기화 하려면 어떻게 해야하나요"),
    ],
)
def test_near_duplicates_are_found(first: str, second: str) -> None:
    index = TextIndex()
    index.add(first)
    assert index.find(second) == 0
    assert index.find("완전히 다른 질문 of another kind") is None


@given(st.lists(st.text("ab가나", max_size=12), min_size=1, max_size=12), st.text("ab가나", max_size=12))
def test_the_index_finds_what_a_comparison_of_all_pairs_finds(texts: list[str], wanted: str) -> None:
    index = TextIndex()
    for text in texts:
        index.add(text)
    mine = shingles(wanted)
    similar = [
        n for n, text in enumerate(texts) if len(mine & shingles(text)) >= 0.8 * len(mine | shingles(text))
    ]
    assert index.find(wanted) == (similar[0] if similar else None)


def test_rows_of_files_are_split_by_their_input_and_need_no_users() -> None:
    rows = [
        Classified(id=str(n), text=text, label=str(n % 2), origin=Origin(source="file"))
        for n, text in enumerate(TEXTS)
    ]
    made = curate(rows, unchanged, Rules())
    assert made.held_out
    assert {each.weight for each in made.train} == {1.0}

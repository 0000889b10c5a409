"""Sentence boundaries and scripts, in English and Korean."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_kit.hostile import UNITS, growth
from septet_kit.text import (
    hangul_share,
    has_hangul,
    is_korean,
    may_go_on,
    sentence_spans,
    sentences,
    settled_end,
)

MARK = "¦"


def split(text: str, *, lines: bool = False) -> list[str]:
    return [span.of(text) for span in sentence_spans(text, lines=lines)]


ENGLISH = {
    "plain": "One. ¦Two! ¦Three? ¦Really?! ¦Yes...",
    "titles": "Dr. Kim met Mrs. Lee and Prof. Smith. ¦They talked.",
    "introductions": "Use a container, e.g. a list, i.e. a sequence, cf. Smith et al. 2019. ¦Done.",
    "initials": "J. R. R. Tolkien and John F. Kennedy. ¦C. A. R. Hoare came later.",
    "initials at the end": "Oranges contain vitamin C. ¦It is needed. ¦So am I. ¦He moved to the U.S. ¦She did not.",
    "initials within": "He lives in the U.S. and leaves at 5 p.m. on Fridays. ¦The U.S. Army pays.",
    "ends of words": "It ran in the 1980s. ¦Stories remain. ¦He saw España. ¦Madrid is Kim's. ¦Pepper lies at 17°E. ¦Cameroon.",
    "at the start": "No. 5 is it.",
    "either": "It stores numbers, etc. in a table. ¦It stores numbers, etc. ¦The table is small.",
    "numbered": "See Fig. 3, No. 5 and vol. II. ¦The answer is no. ¦He left. ¦Eat figs. ¦They are sweet.",
    "numbers": "Python 3.11.4 costs $3.50. ¦The limit is 10. ¦It was built in 1990. ¦5 years later it burned.",
    "quotations": '"Does it work?" she asked. ¦"Stop!" he said. ¦He wrote, "It works." ¦She smiled.',
    "brackets": "It is fast (see p. 3). ¦(See the table.) ¦He teaches (He studied before.) at a school.",
    "citations": "A deque is a queue [1]. ¦It is fast. [1] [2, 3] ¦It was founded in 1764.[5] ¦It grew.",
    "addresses": "See https://a.io/b.html?c=1. ¦Write to a.b@c.org. ¦Use os.path.join(a, b). ¦Node.js too.",
    "lower case": "i like it. ¦it is fast. ¦so do i. ¦they agree.",
    "ellipsis": "Well... he left. ¦She stayed… ¦Then she left, too.",
}
KOREAN = {
    "plain": "서울은 수도이다. ¦맞나요? ¦네. ¦정말요?! ¦좋아요! ¦끝났다… ¦이제 쉬자.",
    "no space": "서울은 수도이다.¦부산은 항구입니다.¦맞나요?¦네.¦2023년부터 쓴다.[1]¦길이는 6 km이다.",
    "full stops within": "서울.부산.대구를 지난다. ¦성씨는 김.이.박이 많다. ¦한국.kr을 쓴다.",
    "dates": "2024. 5. 3. 발표했다. ¦기간은 2023. 12. 1. ~ 2024. 2. 28.이다. ¦2024.05.03. 오후에 연다.",
    "numbers": "파이썬 3.11.4는 3.5달러이다. ¦최댓값은 10. ¦그보다 크면 거절한다.",
    "quotations": '그는 "안녕하세요."라고 말했다. ¦“정말 됩니까?” 하고 물었다. ¦“네.” 라는 답이 왔다. ¦“끝났다.” ¦모두 갔다.',
    "citations": "덱은 큐이다 [1]. ¦빠르다. [1] ¦길다.[2] ¦작다[3].",
    "English words": "Dr. Kim이 발표했다. ¦자료형(e.g. 리스트)을 고른다. ¦Fig. 3을 본다. ¦U.S. 달러로 낸다. ¦값은 True. ¦GB는 아니다.",
}
DOCUMENTS = {
    "wrapped": "A deque is a double-ended\nqueue. ¦덱은 양쪽 끝을\n쓰는 큐이다.",
    "paragraphs": "A title\n\n¦Text.\n \n¦More text",
    "items": "Parts:\n¦- one\n¦* two\n¦1. three\n¦2) four\n¦가. 다섯\n¦나. 여섯",
    "numbers": "1. Open it. ¦2. Read it. ¦3. 닫는다.",
    "blocks": "# Heading\n¦> quotation\n¦| a | b |\n¦```\ncode",
}
ANSWERS = {"lines": "first\n\n¦- second\n¦third", "sentences": "One. ¦Two\n¦Three. ¦e.g. this."}


@pytest.mark.parametrize("labelled", [*ENGLISH.values(), *KOREAN.values(), *DOCUMENTS.values()])
def test_documents(labelled: str) -> None:
    expected = [piece.strip() for piece in labelled.split(MARK)]
    assert split(labelled.replace(MARK, "")) == expected


@pytest.mark.parametrize("labelled", [*ENGLISH.values(), *KOREAN.values(), *ANSWERS.values()])
def test_answers(labelled: str) -> None:
    expected = [piece.strip() for piece in labelled.split(MARK)]
    assert split(labelled.replace(MARK, ""), lines=True) == expected


@pytest.mark.parametrize("text", ["", " \n ", "\n\n"])
def test_no_text_has_no_sentences(text: str) -> None:
    assert split(text) == split(text, lines=True) == []


@pytest.mark.parametrize("lines", [False, True])
@given(text=st.text(alphabet="ab A1.!?…。\n\t ()[]\"'”가다요나e.g-#|\u2028", max_size=80))
def test_sentences_are_in_order_and_cover_all_text(lines: bool, text: str) -> None:
    spans = list(sentence_spans(text, lines=lines))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())


@given(text=st.lists(st.sampled_from([*ENGLISH.values(), *KOREAN.values(), *DOCUMENTS.values()]), max_size=9))
def test_boundaries_do_not_depend_on_the_pieces_of_a_search(text: list[str]) -> None:
    joined = "\n".join(text).replace(MARK, "")
    whole = split(joined)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "_PIECE", 50)
        patch.setattr(sentences, "_MARGIN", 40)
        assert split(joined) == whole


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "documents": split,
    "answers": lambda text: split(text, lines=True),
    "share": hangul_share,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_time_is_linear_in_the_length(function: Callable[[str], object]) -> None:
    steep = {name: ratio for name in UNITS if (ratio := growth(function, name, 5_000)) > 9}
    assert steep == {}


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("덱은 큐입니다", True),
        ("collections.deque는 큐", True),
        ("deque가 뭐야?", True),
        ("What is 김치 and how do people make it at home?", False),
        ("a queue", False),
        ("12", False),
    ],
)
def test_a_text_with_a_tenth_of_hangul_is_korean(text: str, korean: bool) -> None:
    assert is_korean(text) is korean


def test_hangul() -> None:
    assert has_hangul("deque가")
    assert has_hangul("ㅋㅋ")
    assert not has_hangul("デック")
    assert hangul_share("가a") == 0.5
    assert hangul_share("123") == hangul_share("½") == 0.0


def test_a_dotted_date_does_not_end_an_english_sentence() -> None:
    text = "The launch was on 2024. 5. 3. in Seoul."
    assert [span.of(text) for span in sentence_spans(text)] == [text]


@pytest.mark.parametrize(
    "text", ["It costs 12.", "It costs 12.5.", "See Fig.", "Ask Dr.", "It works, e.g.", "Ask J."]
)
def test_a_full_stop_after_a_number_or_an_abbreviation_may_go_on(text: str) -> None:
    assert may_go_on(text)


@pytest.mark.parametrize("text", ["It works.", "It costs 12", "정확합니다.", "Ask Ann.", ""])
def test_a_full_stop_after_a_word_ends_the_sentence(text: str) -> None:
    assert not may_go_on(text)


LABELLED = [text.replace(MARK, "") for text in (*ENGLISH.values(), *KOREAN.values(), *ANSWERS.values())]


@given(st.lists(st.sampled_from(LABELLED), min_size=1, max_size=3), st.sampled_from([" ", "\n", "\n\n"]))
def test_further_text_does_not_move_a_settled_end(texts: list[str], joint: str) -> None:
    """An answer that grows by one character at a time, as a model writes it."""
    whole, end = joint.join(texts), 0
    ends = {span.end for span in sentence_spans(whole, lines=True)}
    for size in range(len(whole) + 1):
        end = settled_end(whole[:size], end)
        assert end in {0, *ends}, whole[:size]
    assert len([e for e in ends if e > end and whole[e : e + 1].isspace()]) <= 2


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("One is here.", ""),
        ("One is here. Two", ""),
        ("One is here. Two ", "One is here."),
        ("One is here. [1", ""),
        ("One is here. [1] Two ", "One is here. [1]"),
        ("It was made in 2004. 5. 3. by", ""),
        ("첫째이다.둘째 문장", ""),
        ("첫째이다.둘째이다. 셋째 문장", "첫째이다.둘째이다."),
        ("- one\n- two", "- one"),
    ],
)
def test_a_sentence_is_settled_when_the_next_word_is_complete(text: str, settled: str) -> None:
    assert text[: settled_end(text)] == settled

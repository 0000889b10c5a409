"""Cited character spans of each source."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from septet_contracts import Answerability, Ask, CitedSpan, Outcome, Quote
from septet_eval.domain.sources import sources
from septet_eval.domain.spans import cited_spans
from septet_kit.testing import flow, passage

TEXT = "Queues are lists.  A deque is a double-ended\nqueue with fast appends. See e.g. the docs. 덱의 최대 길이는 maxlen으로 정한다."
OTHER = "Heaps are binary trees. The smallest element is always the root."


def outcome(answer: str, **fields: Any) -> Outcome:
    given = {"answer_kind": "generated", "passages": (passage(TEXT), passage(OTHER, 2))}
    return flow(Outcome, answer=answer, **given | fields)


def cited(answer: str, number: int = 1, **fields: Any) -> list[tuple[str, str]]:
    made = outcome(answer, **fields)
    spans = cited_spans(made).get(number, ())
    return [(s.kind, made.passages[number - 1].text[s.start : s.end]) for s in spans]


def test_words_copied_from_the_passage_are_quoted() -> None:
    assert cited("Queues are lists [1].") == [("quoted", "Queues are lists.")]
    assert cited("A deque is a double-ended [1]?") == [("quoted", "A deque is a double-ended")]
    assert cited("Queue [1].") == [("supporting", "Queues are lists.")], "a part of a word"
    assert cited("“Queues are lists.” [1]") == [("quoted", "Queues are lists.")]


def test_an_extractive_answer_cites_its_quote_despite_white_space() -> None:
    text = "A deque is a double-ended\nqueue with fast appends."
    start = TEXT.index(text)
    best = Quote(passage_id="p1", number=1, text=text, start=start, end=start + len(text), similarity=0.9)
    known = Answerability(score=0.9, threshold=0.5, answerable=True, best=best)
    answer = f'"{" ".join(text.split())}" [1]'
    assert cited(answer, answerability=known, answer_kind="extractive") == [("quoted", text)]
    moved = best.model_copy(update={"start": start + 1, "end": start + 1 + len(text)})
    wrong = known.model_copy(update={"best": moved})
    assert ("quoted", text) not in cited(answer, answerability=wrong)


def test_a_paraphrase_is_supported_by_the_sentence_that_shares_most_words() -> None:
    found = cited("Deques are double-ended queues and fast at appending: appends are fast [1].")
    assert found == [("supporting", "A deque is a double-ended\nqueue with fast appends.")]
    assert cited("maxlen은 덱의 최대 길이를 정한다 [1].") == [
        ("supporting", "덱의 최대 길이는 maxlen으로 정한다.")
    ]


def test_an_unsupported_citation_has_no_span() -> None:
    assert cited("Bananas grow in warm countries [1].") == []
    assert cited("Queues are lists.") == [], "not cited"
    assert cited("Queues are lists [7].") == [], "no such source"
    assert cited_spans(outcome("", status="failed")) == {}


def test_spans_are_ordered_and_unique() -> None:
    answer = "See e.g. the docs [1]. Queues are lists [1]. Queues are lists [1]. Heaps are binary trees [2]."
    assert [text for _, text in cited(answer)] == ["Queues are lists.", "See e.g. the docs."]
    assert [text for _, text in cited(answer, 2)] == ["Heaps are binary trees."]


def test_spans_map_to_offsets_in_the_document() -> None:
    document = f"# Title\n\n{TEXT}\n"
    at = document.index(TEXT)
    made = outcome("Queues are lists [1].", passages=(passage(TEXT, start=at), passage(OTHER, 2, end=0)))
    first, second = sources(made)
    (span,) = first.spans
    assert span == CitedSpan(start=0, end=17, kind="quoted")
    assert first.start is not None
    assert document[first.start + span.start : first.start + span.end] == "Queues are lists."
    assert (first.cited, second.cited, second.spans) == (True, False, ())
    assert (second.start, second.end) == (None, None), "its text does not fit the offsets"


@given(st.text(alphabet="ab .!\n한\u2028e.g", max_size=60), st.text(alphabet="ab .[1]\n한", max_size=60))
def test_spans_lie_within_their_passage(text: str, answer: str) -> None:
    made = outcome(answer, passages=(passage(text),))
    for span in cited_spans(made).get(1, ()):
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()


def test_the_number_of_pairs_is_bounded() -> None:
    """Each sentence cites every passage and none has a span: 200 of 10,000 pairs are examined."""
    passages = tuple(passage("Words of no use here. " * 50, n) for n in range(1, 51))
    marks = "".join(f"[{n}]" for n in range(1, 51))
    answer = " ".join(f"Bananas number {n} grow in warm countries {marks}." for n in range(200))
    began = time.process_time()
    assert cited_spans(outcome(answer, passages=passages)) == {}
    assert time.process_time() - began < 1.0


def test_a_json_answer_cites_the_rows_and_sentences_that_hold_its_values() -> None:
    rows = "plan: Basic; price: 5 USD\nplan: Team; price: 12 USD\nplan: Pro; price: 40 USD"
    given = (passage(rows), passage("The Team plan has 250 GB of storage.", 2), passage(OTHER, 3))
    answer = '{"plans": [{"name": "Team", "price": 12}, {"name": "Team", "storage": "250 GB"}]}'
    made = outcome(answer, passages=given, ask=Ask(question="q", output_schema={"type": "object"}))
    found = sources(made)
    assert [source.cited for source in found] == [True, True, False]
    spans = [[source.passage[s.start : s.end] for s in source.spans] for source in found]
    assert spans == [["plan: Team; price: 12 USD"], ["The Team plan has 250 GB of storage."], []]


def test_json_without_values_cites_nothing() -> None:
    for answer in ("{}", "[true, null]", "no json", "[" * 100_000):
        assert cited_spans(outcome(answer, ask=Ask(question="q", output_schema={}))) == {}

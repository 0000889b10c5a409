"""Exact match, token F1, BLEU and ROUGE."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from septet_eval.domain.scorers.reference import answer_f1, rouge_l_f, squad_normalise
from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics import aggregate
from septet_experiments.metrics.units import is_korean, squad_normalised
from septet_experiments.runs import Sample
from septet_kit.text import is_korean as is_korean_in_services

from .support import golden, observed, one, response

TEXT = st.text("abc the.,!? 가나다 [1] éあ漢\n", max_size=40)


@pytest.mark.parametrize(
    ("answer", "references", "value"),
    [
        ("The Eiffel Tower!", ("eiffel tower",), 1.0),
        ("Paris [1].", ("Paris",), 1.0),
        ("London", ("Paris", "London"), 1.0),
        ("in Paris", ("Paris",), 0.0),
        ("서울입니다", ("서울",), 0.0),
        ("‘서울’ [1, 2]", ("서울.",), 1.0),
        ("", ("",), 1.0),
    ],
)
def test_exact_match_ignores_case_punctuation_articles_and_citations(
    answer: str, references: tuple[str, ...], value: float
) -> None:
    assert one("exact_match").value(observed(answer, *references)) == value


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        # 2 common words of 3 and 4.
        ("red green blue", "the red and green thing", Fraction(4, 7)),
        ("red red", "red", Fraction(2, 3)),
        # 2 common characters of 5 and 2; the particle and the copula count.
        ("서울입니다", "서울", Fraction(4, 7)),
        ("부산", "서울", Fraction(0)),
        ("Paris", "", Fraction(0)),
    ],
)
def test_token_f1_counts_words_and_characters_of_korean(answer: str, reference: str, value: Fraction) -> None:
    assert one("token_f1").value(observed(answer, reference)) == pytest.approx(float(value))


def test_the_best_reference_counts() -> None:
    assert one("token_f1").value(observed("red", "green", "red")) == 1.0
    assert one("rouge1").value(observed("red", "green", "red")) == 1.0
    assert one("bleu").value(observed("a b c d e", "v w x y z", "a b c d e")) == pytest.approx(100.0)


@given(TEXT, TEXT)
def test_definitions_equal_those_of_the_scorers_in_eval(answer: str, reference: str) -> None:
    assert is_korean(reference) == is_korean_in_services(reference)
    assert squad_normalised(answer) == squad_normalise(answer)
    # A JSON value is read as it is: citation markers of plain answers are removed before.
    given_ = observed("", reference, answer_json=[answer])
    assert one("token_f1").value(given_) == pytest.approx(answer_f1(answer, reference))
    try:
        rouge = one("rouge_l").value(given_)
    except NotComputable:
        rouge = 0.0
    assert rouge == pytest.approx(rouge_l_f(answer, reference))


def test_json_answers_are_compared_by_their_values() -> None:
    given_ = observed('{"city": "Paris"}', "Paris", answer_json={"city": "Paris", "sure": True, "x": None})
    assert one("exact_match").value(given_) == 1.0


@pytest.mark.parametrize("status", ["abstained", "refused", "blocked"])
@pytest.mark.parametrize("name", ["exact_match", "token_f1", "bleu", "rouge1", "rouge2", "rouge_l"])
def test_a_reply_that_declines_counts_as_an_empty_answer(name: str, status: str) -> None:
    assert one(name).value(observed("The documents hold no answer.", "the answer", status=status)) == 0.0


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "bleu", "rouge1", "rouge2", "rouge_l"])
def test_text_metrics_have_no_value_without_a_reference_or_a_result(name: str) -> None:
    metric = one(name)
    with pytest.raises(NotComputable, match="no `references`"):
        metric.value(observed("answer"))
    with pytest.raises(NotComputable, match="status is expired"):
        metric.value(observed("answer", "reference", status="expired"))
    with pytest.raises(NotComputable, match="status is invented_later"):
        metric.value(observed("answer", "reference", status="invented_later"))
    with pytest.raises(NotComputable, match="no answer text"):
        metric.value(observed(None, "reference"))


def test_bleu_and_rouge_equal_the_reference_values() -> None:
    metrics = {name: one(name) for name in ("bleu", "rouge1", "rouge2", "rouge_l")}
    columns = {"bleu": "bleu", "rouge1": "rouge1_f", "rouge2": "rouge2_f", "rouge_l": "rougeL_f"}
    rows = golden("metric_goldens/text_metrics")
    assert len(rows) == 150
    for row in rows:
        given_ = observed(row["hypothesis"], row["reference"])
        for name, metric in metrics.items():
            assert metric.value(given_) == pytest.approx(row[columns[name]], abs=1e-4), (row["id"], name)


def test_corpus_bleu_equals_the_reference_value() -> None:
    rows = golden("metric_goldens/text_metrics")
    (wanted,) = (r["value"] for r in golden("metric_goldens/corpus_values") if r["metric"] == "corpus_bleu")
    cases = [Case(id=r["id"], question="?", references=(r["reference"],)) for r in rows]
    samples = [Sample(case_id=r["id"], response=response(r["hypothesis"])) for r in rows]
    found = aggregate(cases, samples, [one("bleu")])
    assert found.values == {"bleu.corpus": pytest.approx(wanted, abs=1e-4)}
    assert found.failures == {"bleu.corpus_ko": "no answer can be compared with Korean references"}


def test_bleu_of_korean_counts_characters() -> None:
    # Precisions of 1 to 4 characters: 5/6, 4/5, 3/4, 2/3; no brevity penalty. The product is 1/3.
    value = one("bleu").value(observed("수도는 서울다", "수도는 서울"))
    assert value == pytest.approx(100 * (1 / 3) ** 0.25)


def test_corpus_bleu_is_separate_for_korean_and_uses_all_references() -> None:
    cases = [
        Case(id="en", question="?", references=("the cat sat on the mat", "a cat was on the mat")),
        Case(id="en2", question="?", references=("there is one dog here",)),
        Case(id="ko", question="?", references=("수도는 서울이다",)),
        Case(id="none", question="?"),
    ]
    answers = {
        "en": "the cat was on the mat",
        "en2": "there is a dog here",
        "ko": "수도는 부산이다",
        "none": "x",
    }
    samples = [Sample(case_id=name, response=response(text)) for name, text in answers.items()]
    samples.append(Sample(case_id="en", draw=1, error="no_response"))
    found = aggregate(cases, samples, [one("bleu")])
    english = BLEU().corpus_score(
        [answers["en"], answers["en2"]],
        [[cases[0].references[0], cases[1].references[0]], [cases[0].references[1], cases[1].references[0]]],
    )
    korean = BLEU(tokenize="char").corpus_score([answers["ko"]], [[cases[2].references[0]]])
    assert found.values == {
        "bleu.corpus": pytest.approx(english.score),
        "bleu.corpus_ko": pytest.approx(korean.score),
    }


def test_signature_of_bleu_is_that_of_sacrebleu() -> None:
    bleu = BLEU(effective_order=True)
    bleu.sentence_score("a", ["a"])
    theirs = str(bleu.get_signature()).replace("nrefs:1", "nrefs:var").replace("version:", "sacrebleu:")
    assert one("bleu").signature == f"bleu|{theirs}|v:1".replace("tok:13a|", "tok:13a|ko:char|")


@pytest.mark.parametrize(
    ("name", "value"),
    # 수도는 서울이다 and 수도는 부산이다: 5 of 7 characters are shared, 3 of 6 pairs, and 5 in order.
    [("rouge1", 5 / 7), ("rouge2", 3 / 6), ("rouge_l", 5 / 7)],
)
def test_rouge_of_korean_counts_characters(name: str, value: float) -> None:
    assert one(name).value(observed("수도는 부산이다", "수도는 서울이다")) == pytest.approx(value)


def test_rouge_has_no_value_for_texts_that_it_cannot_compare() -> None:
    with pytest.raises(NotComputable, match="no Latin letter"):
        one("rouge1").value(observed("да", "да"))
    with pytest.raises(NotComputable, match="3001 tokens"):
        one("rouge_l").value(observed("a " * 3001, "a"))

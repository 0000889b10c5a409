"""Classifier of answerability, and the text of an abstention."""

from __future__ import annotations

import pytest
from septet_contracts import Passage
from septet_kit import KitSettings
from septet_kit.embeddings_client import as_embedding
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.domain.abstention import abstention
from septet_retrieval.domain.answer_type import expected_type, holds
from septet_retrieval.domain.answerability import Assessment, assess, calibrated_for, coefficients
from septet_retrieval.domain.evidence import MAX_SENTENCES, Terms, best_sentences, passage_terms, stated_terms
from septet_retrieval.settings import RetrievalSettings

from tests.support.retrieval import WordEmbedder

DEQUE = (
    "class collections.deque(iterable)\n\nA list-like sequence optimized for data accesses near its endpoints. "
    "It is thread safe."
)
SEOUL = "서울은 대한민국의 수도이자 최대 도시이다. 부산은 항구 도시이다."


def passage(text: str, title: str = "", similarity: float | None = None) -> Passage:
    fields = {"passage_id": "p", "document_id": "d", "content_hash": "h", "start": 0, "score": 1.0}
    return Passage(**fields, title=title, text=text, end=len(text), similarity=similarity)


def classify(
    question: str, *passages: Passage, cosines: float | None = None, foreign: bool = False
) -> Assessment:
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    values = None if cosines is None else [cosines] * len(sentences)
    return assess(terms, passages, sentences, values, foreign=foreign, question=question)


def test_close_and_complete_evidence_is_answerable_and_distant_evidence_is_not() -> None:
    near = classify("What is a deque?", passage(DEQUE, "collections.deque", 0.9), cosines=0.9)
    far = classify("What is the capital of France?", passage(DEQUE, "collections.deque", 0.74), cosines=0.74)
    assert near.verdict(0.5).answerable
    assert not far.verdict(0.5).answerable
    assert near.kind == far.kind == "semantic"


def test_a_matching_title_is_evidence() -> None:
    text = "Return a copy of the string converted to uppercase. Numbers stay as they are."
    named = classify("What does str.upper do?", passage(text, "str.upper", 0.8), cosines=0.8)
    other = classify("What does str.lower do?", passage(text, "str.upper", 0.8), cosines=0.8)
    assert named.verdict(0.5).answerable
    assert not other.verdict(0.5).answerable


@pytest.mark.parametrize(
    "question", ["What is a deque used for?", "What is meant by deque?", "How does deque work?"]
)
def test_words_of_the_form_of_a_question_are_no_terms(question: str) -> None:
    assert Terms.of(question).all == Terms.of("What is a deque?").all


def test_a_question_in_a_document_is_no_evidence() -> None:
    """Its cosine to the same question is 1."""
    question = "Who won the football World Cup in 2018?"
    quoting = passage(f"The demo asks what it cannot answer. {question} It abstains.", similarity=0.8)
    terms, sentences = Terms.of(question), best_sentences(Terms.of(question), [quoting])
    cosines = [1.0 if sentence.text == question else 0.8 for sentence in sentences]
    assert 1.0 in cosines
    assert not assess(terms, [quoting], sentences, cosines).verdict(0.5).answerable


def test_a_close_sentence_of_a_passage_about_much_is_evidence() -> None:
    question = "도서관 회원 가입은 어디에서 하나요?"
    text = "도서관은 아홉 시에 엽니다. 회원 가입은 1층 안내 창구에서 합니다. 책은 다섯 권까지 빌립니다."
    passages = [
        passage(text, similarity=0.81),
        *(passage("다른 주제의 글입니다.", similarity=0.81) for _ in "abc"),
    ]
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)

    def score(cosine: float) -> float:
        cosines = [cosine if "창구" in sentence.text else 0.8 for sentence in sentences]
        return assess(terms, passages, sentences, cosines, foreign=True).probability

    assert score(0.89) >= 0.5 > score(0.8)


def test_the_subject_is_quoted_before_its_parts() -> None:
    copy = passage("Return a shallow copy of a deque. It is new.", "collections.deque.copy", 0.6)
    best = classify("What is a deque?", copy, passage(DEQUE, "collections.deque", 0.6), cosines=0.6).best
    assert best is not None
    assert best.text.startswith("A list-like sequence")


def test_a_question_in_a_document_is_not_quoted() -> None:
    text = 'Try `septet ask "What is a deque?"`. A deque is a list-like sequence for both ends.'
    best = classify("What is a deque?", passage(text, "Tour")).best
    assert best is not None
    assert best.text.startswith("A deque is")


def test_without_cosines_words_decide() -> None:
    assert classify("Is a deque thread safe?", passage(DEQUE, "collections.deque")).probability > 0.5
    assert classify("What is the capital of France?", passage(DEQUE)).probability < 0.5


def test_korean_evidence() -> None:
    good = classify("대한민국의 수도는 어디인가요?", passage(SEOUL), foreign=True)
    bad = classify("프랑스의 대통령은 누구인가요?", passage(SEOUL), foreign=True)
    assert good.kind == "foreign"
    assert good.verdict(0.5).answerable
    assert not bad.verdict(0.5).answerable
    assert good.best is not None
    assert good.best.text.startswith("서울은")


def test_korean_evidence_with_cosines() -> None:
    texts = passage(SEOUL, similarity=0.9), passage("부산은 항구 도시이다.", similarity=0.8)
    good = classify("대한민국의 수도는 어디인가요?", *texts, cosines=0.9, foreign=True)
    bad = classify(
        "프랑스의 대통령은 누구인가요?", passage(SEOUL, similarity=0.78), cosines=0.78, foreign=True
    )
    assert good.kind == bad.kind == "semantic"
    assert good.verdict(0.5).answerable
    assert not bad.verdict(0.5).answerable


def test_one_passage_closer_than_the_others_is_evidence() -> None:
    def score(*similarities: float) -> float:
        passages = [passage(DEQUE, similarity=value) for value in similarities]
        return classify("Is a deque thread safe?", *passages, cosines=0.78).probability

    assert score(0.87, 0.80, 0.79) > score(0.87, 0.86, 0.86)
    assert score(0.87, 0.80) == score(0.87, 0.86) == score(0.87)


@pytest.mark.parametrize(
    ("question", "subject", "attribute"),
    [
        ("What is the length of the Erie Canal?", "The Erie Canal is in New York.", "length"),
        ("이리 운하의 길이는 얼마인가요?", "이리 운하는 뉴욕에 있다.", "길이"),
    ],
)
def test_a_word_that_few_passages_hold_counts_more(question: str, subject: str, attribute: str) -> None:
    terms, others = Terms.of(question), [passage(subject, similarity=0.85) for _ in "abcd"]
    held = [passage_terms(one) for one in (passage(f"{subject} {attribute}"), *others)]
    with_it, without_it, *_ = terms.rare_coverages(held)
    assert with_it == pytest.approx(terms.coverage(held[0]))
    assert without_it < terms.coverage(held[1])

    def score(*passages: Passage) -> float:
        return classify(question, *passages, cosines=0.8, foreign=not question.isascii()).probability

    assert score(passage(f"{subject} {attribute}", similarity=0.85), *others) > 1.2 * score(
        *others, others[0]
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who won the football World Cup?", "Ask it. Who won the football World Cup? It abstains."),
        ("월드컵 우승국은 어디인가요?", "직접 물어보세요. 월드컵 우승국은 어디인가요? 답하지 않습니다."),
    ],
)
def test_the_words_of_a_quoted_question_are_not_covered(question: str, text: str) -> None:
    quoting, terms = passage(text), Terms.of(question)
    assert terms.coverage(passage_terms(quoting)) == 1.0
    assert terms.rare_coverages([stated_terms(quoting)]) == [0.0]


def test_rare_coverages_of_a_question_without_words_are_zero() -> None:
    assert Terms(frozenset(), frozenset(), ()).rare_coverages([frozenset("a")]) == [0.0]


@pytest.mark.parametrize(
    ("question", "text", "quoted"),
    [
        (
            "When did the bridge open?",
            "The bridge opened late. It was finished on 4 May 1932.",
            "It was finished",
        ),
        (
            "Who built the bridge?",
            "The bridge was built twice. Later the plans of John Ross were used.",
            "Later the",
        ),
        ("다리는 언제 열렸나요?", "다리는 늦게 열렸다고 한다. 공사는 1932년에 끝났다.", "공사는"),
    ],
)
def test_a_sentence_with_the_type_of_the_answer_is_quoted(question: str, text: str, quoted: str) -> None:
    best = classify(question, passage(text), cosines=0.85, foreign=not question.isascii()).best
    assert best is not None
    assert best.text.startswith(quoted)


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "words"])
async def test_cosines_of_another_model_are_not_used(model: str) -> None:
    result = await _assess(model)
    assert result.kind == "lexical"
    assert "evidence_cosine" not in result.features


@pytest.mark.parametrize("owner", ["", "intfloat/"])
async def test_cosines_of_the_default_model_are_used(owner: str) -> None:
    assert calibrated_for() == KitSettings().embeddings_model
    assert (await _assess(owner + calibrated_for())).kind == "semantic"


async def _assess(model: str) -> Assessment:
    embedder = WordEmbedder()
    embedder.model = model
    (vector,) = await embedder.embed(["What is a deque?"], "question")
    classifier = AnswerabilityClassifier(embedder, RetrievalSettings())
    return await classifier.assess("What is a deque?", [passage(DEQUE)], as_embedding(model, vector))


@pytest.mark.parametrize("kind", ["semantic", "lexical", "foreign"])
def test_more_evidence_never_lowers_the_probability(kind: str) -> None:
    model = coefficients()[kind]  # type: ignore[index]
    assert model["intercept"] < 0
    assert sum(value for name, value in model.items() if name != "intercept") > -model["intercept"] > 0


def test_without_passages_the_probability_is_zero() -> None:
    verdict = classify("What is a deque?").verdict(0.5)
    assert (verdict.score, verdict.answerable, verdict.best, verdict.reason) == (
        0.0,
        False,
        None,
        "nothing was found",
    )


def test_the_quote_is_verbatim_and_no_bare_signature() -> None:
    best = classify("What is a deque?", passage(DEQUE, "collections.deque"), cosines=0.5).best
    assert best is not None
    assert DEQUE[best.start : best.end] == best.text
    assert best.text.startswith("A list-like sequence")
    assert best.number == 1


def test_sentences_are_bounded_and_in_order() -> None:
    many = passage(" ".join(f"Sentence number {n} of the deque text." for n in range(60)))
    sentences = best_sentences(Terms.of("deque"), [many, many])
    assert len(sentences) == MAX_SENTENCES
    positions = [(sentence.number, sentence.span.start) for sentence in sentences]
    assert positions == sorted(positions)


def test_names_are_distinguished_from_other_terms() -> None:
    assert Terms.of("When did Ada Lovelace meet Babbage?").names == {"ada", "lovelac", "babbag"}
    assert Terms.of("what is a deque?").names == set()


@pytest.mark.parametrize(
    ("question", "language", "start"),
    [
        ("Who?", "en", "I cannot answer this from the documents. The nearest sources are: Guide, d."),
        ("누구인가요?", None, "문서에서 이 질문에 답할 근거를 찾지 못했습니다. 가장 가까운 자료: Guide, d."),
    ],
)
def test_an_abstention_is_in_the_questions_language(question: str, language: str | None, start: str) -> None:
    assert abstention(question, language, [passage("x", "Guide"), passage("y")]) == start


def test_abstention_without_sources_names_none() -> None:
    assert abstention("Who?", "en", []) == "I cannot answer this from the documents."


@pytest.mark.parametrize(
    ("question", "kind", "text", "other"),
    [
        (
            "When was Ada Lovelace born?",
            "date",
            "She was born on 10 December 1815.",
            "She was a child of a poet.",
        ),
        ("In what year did it start?", "date", "It started in 1995.", "It started slowly."),
        ("How many apples are there?", "quantity", "There are three of them.", "There are some of them."),
        ("What is the population of Seoul?", "quantity", "9,386,000 people live there.", "It is large."),
        ("Who wrote the first 1843 notes?", "name", "The notes are by Ada Lovelace.", "The notes are old."),
        ("세종대왕은 언제 태어났나요?", "date", "1397년에 태어났다.", "조선의 왕이다."),
        ("국가는 몇 개인가요?", "quantity", "모두 12개이다.", "국가가 많이 있다."),
    ],
)
def test_the_answer_type_is_held_by_its_form(question: str, kind: str, text: str, other: str) -> None:
    found = expected_type(question)
    assert found == kind
    assert holds(found, text, question)  # type: ignore[arg-type]
    assert not holds(found, other, question)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "kind", "text"),
    [
        ("How many people lived there in 2023?", "quantity", "230 residents were counted."),
        ("How many people lived there in 1950?", "quantity", "There were 905 of them."),
        ("How often does it run?", "quantity", "It runs ten times."),
        ("How many of the 1,230 rooms are free?", "quantity", "Only 230 rooms are free."),
        ("2015년 이후 언제 다시 열렸나요?", "date", "그 전에는 1995년에 열렸다."),
        ("2023년 인구는 몇 명인가요?", "quantity", "주민은 230명이다."),
    ],
)
def test_a_part_of_an_expression_of_the_question_is_an_answer(question: str, kind: str, text: str) -> None:
    assert expected_type(question) == kind
    assert holds(kind, text, question)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("2015년 이후 언제 다시 열렸나요?", "2015년에 닫혔다."),
        ("When did it open after 4 May?", "It closed on 4 May."),
        ("언제 문을 여나요?", "준비는 3시간 걸린다."),
    ],
)
def test_a_known_date_and_a_duration_are_no_answer(question: str, text: str) -> None:
    assert expected_type(question) == "date"
    assert not holds("date", text, question)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("언제나 열려 있나요?", None),
        ("언제 여나요?", "date"),
        ("몇 시에 여나요?", "date"),
        ("몇 시간 걸리나요?", "quantity"),
        ("몇 년간 살았나요?", "quantity"),
        ("며칠간 머무나요?", "quantity"),
        ("몇년에 태어났나요?", "date"),
    ],
)
def test_a_duration_is_a_quantity(question: str, kind: str | None) -> None:
    assert expected_type(question) == kind


def test_a_polite_korean_question_is_answerable() -> None:
    text = "환불은 구매 후 7일 안에 가능합니다."
    scores = [
        classify(f"환불이 {asked}?", passage(text), foreign=True).probability
        for asked in ("가능한가요", "가능합니까", "가능해요")
    ]
    assert len(set(scores)) == 1
    assert scores[0] > 0.8


def test_an_expression_of_the_question_is_no_answer() -> None:
    assert not holds("date", "It opened before 1932.", "When did the bridge of 1932 open?")
    assert expected_type("What is a deque?") is None
    assert expected_type("덱은 무엇인가요?") is None

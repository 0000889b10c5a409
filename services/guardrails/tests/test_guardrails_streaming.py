"""Sentences of drafts that are shown before the response: what may be shown, and when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from septet_contracts import Ask, Draft, Message, ReleasedTokens, TokenChunk, Verdict, encode, event_id
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.application.correction import Conclude, decide
from septet_guardrails.application.review import review
from septet_guardrails.application.streaming import SentenceStream
from septet_guardrails.domain.policy import Policy, parse_policy
from septet_guardrails.domain.rails import output_rails
from septet_guardrails.handlers import DraftsHandler, TokensHandler
from septet_kit.testing import context, flow, passage
from septet_kit.text import settled_end

RAILS = output_rails(PresidioNames(), ProfanityModel())
POLICIES = PolicyFiles.load()
DEFAULT = Policy()
FACTS = (
    "A deque is a double-ended queue. Deques support memory efficient appends and pops from either side. "
    "The maximum length of a deque is set by maxlen. A full deque drops items from the opposite end. "
    "Harbour Ltd. was founded in 1998. Its office has 12 rooms. The `rotate` method moves 3 items. "
    "The help desk is open from 9 to 17.",
    "덱은 양쪽 끝에서 추가와 삭제가 가능한 자료 구조이다. 덱의 최대 길이는 maxlen으로 정한다. "
    "가득 찬 덱은 반대쪽 끝의 항목을 버린다. 사무실은 2024. 5. 3. 이전했다.",
)
PASSAGES = tuple(passage(text, number) for number, text in enumerate(FACTS, 1))
SUPPORTED = (
    "A deque is a double-ended queue [1].",
    "Deques support memory efficient appends and pops from either side [1].",
    "The maximum length of a deque is set by maxlen.",
    "A full deque drops items from the opposite end. [1]",
    "Harbour Ltd. was founded in 1998 [2].",
    "Its office has 12 rooms.",
    "The `rotate` method moves 3 items [1].",
    "덱은 양쪽 끝에서 추가와 삭제가 가능한 자료 구조이다 [2].",
    "덱의 최대 길이는 maxlen으로 정한다.",
    "가득 찬 덱은 반대쪽 끝의 항목을 버린다 [1].",
)
UNSUPPORTED = ("Giraffes sleep for 45 minutes on Venus [1].", "기린은 금성에서 45분 동안 잔다.")
PERSONAL = (
    "Call Harbour at +82 10-1234-5678 [1].",
    "Write to kim@example.com.",
    "The number is 123456789.",
    "A passport is needed here.",
    "담당자: 홍길동.",
    "Please return it to 35108 ul.",
    "Nowa 12 is the street.",
    "It is open until 9 Monday.",
    "Elm Street is closed.",
    "My name is John A.",
    "Smith is here.",
    "Write to kim.minsu (at) example.",
    "com for the key.",
    "담당자의 주소는 kim.minsu 골뱅이 naver.",
    "com 입니다.",
    "Write to kim.minsu\n[at] example.com now.",
    "Call 212-555-1234 ext.",
    "5 is the room.",
    "서울특별시 강남구 테헤란로 123에 있다.",
    "Apt. 5, Boston.",
)
PIECES = (
    "kim", "@", "(at) ", "example.", "com ", "010", "-", "1234", "5678 ", "+82 ", "ext. ", "5 ", "Elm ", "St. ", "Apt. ",
    "Mr. ", "John ", "Smith", "passport ", "여권 ", "카드 ", "서울시 ", "강남구 ", "로 ", "번지", "홍길동", "씨 ", "담당자: ", " ", ".",
    ". ", ":", "/", "\n",
)  # fmt: skip
FRAGMENTS = st.lists(st.sampled_from(PIECES), min_size=3, max_size=12).map(lambda each: "".join(each) + ".")
# Sentences whose end depends on the next word.
OPEN_ENDS = (
    "The company is Harbour Ltd.",
    'He said "a deque is a double-ended queue."',
    "A full deque drops items (from the opposite end.)",
    "It was founded in Jan.",
    "It was founded in 1998.",
    "사무실은 2024. 5. 3.",
    "사무실은 2024. 5. 3. 이전했다.",
)
OTHERS = (
    "Sure!",
    "Is that so?",
    "The passages do not mention the price.",
    "알 수 없습니다.",
    "You are stupid idiots.",
    "These are the parts:",
    "- A deque is a double-ended queue",
    "1. The maximum length of a deque is set by maxlen.",
    "```\nd = deque()  # one. two\n```",
    "Use `d[1]. x` here.",
    "A  deque  is a double-ended queue.",
    "<|im_end|>",
    "Answer: A deque is a double-ended queue.",
    "It costs 12.",
)
WITH_SYSTEM_MESSAGE = Ask(
    messages=[
        Message(
            role="system", content="A deque is a double-ended queue. Deques support memory efficient appends."
        ),
        Message(role="user", content="What is a deque?"),
    ],
    stream=True,
)
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(
            [*SUPPORTED, *SUPPORTED, *SUPPORTED, *OPEN_ENDS, *UNSUPPORTED, *UNSUPPORTED, *PERSONAL, *OTHERS]
        ),
        st.sampled_from([" ", " ", " ", "\n", "\n\n", ""]),
    ),
    min_size=1,
    max_size=9,
)


def draft(answer: str, **fields: Any) -> Draft:
    fields = {"ask": Ask(question="What is a deque?", stream=True), "passages": PASSAGES, "epoch": 1} | fields
    return flow(Draft, answer=answer, **fields)


def chunks(whole: Draft) -> list[TokenChunk]:
    """The chunks of a draft that grows word by word, as generation sends them."""
    made: list[TokenChunk] = []
    end, cuts = 0, []
    for size in (n for n, c in enumerate(whole.answer) if c.isspace()):
        found = settled_end(whole.answer[: size + 1], end)
        answer = whole.answer[:found].strip()
        if found > end and (not cuts or len(answer) > cuts[-1]):
            made.append(chunk(whole, answer, tuple(cuts)))
            end = found
            cuts.append(len(answer))
    return made


def chunk(whole: Draft, answer: str, cuts: tuple[int, ...] = (), **fields: Any) -> TokenChunk:
    sequence = len(cuts)
    return TokenChunk(
        request_id=whole.request_id,
        tenant=whole.tenant,
        event_id=event_id(whole.tenant, whole.request_id, "tokens", f"1/{sequence}"),
        occurred_at=datetime.now(UTC),
        epoch=whole.epoch or 1,
        sequence=sequence,
        text=answer,
        draft=whole.model_copy(update={"answer": answer}),
        cuts=cuts,
        **fields,
    )


def released(
    whole: Draft, policy: Policy = DEFAULT, stream: SentenceStream | None = None
) -> list[ReleasedTokens]:
    stream = stream or SentenceStream(RAILS)
    found = (stream.release(made, policy) for made in chunks(whole))
    return [event for event in found if event is not None]


def shown(events: list[ReleasedTokens]) -> str:
    text = ""
    for event in events:
        assert event.start == len(text)
        text += event.text
    return text


def test_a_sentence_is_released_when_the_next_one_begins() -> None:
    whole = draft(" ".join(SUPPORTED[:3]))
    events = released(whole)
    assert [e.text for e in events] == [SUPPORTED[0], f" {SUPPORTED[1]}"]
    assert [(e.epoch, e.sequence, e.sentence, e.done) for e in events] == [(1, 0, 1, False), (1, 1, 2, False)]
    assert {v.rail for v in events[0].verdicts} == {
        "format", "structure", "toxicity", "pii", "groundedness", "citations"
    }  # fmt: skip
    assert {e.request_digest for e in events} == {whole.request_digest}


def test_what_is_shown_has_the_corrections_of_the_rails() -> None:
    answer = f"{UNSUPPORTED[0]} {SUPPORTED[2]} Write to kim@example.com. {SUPPORTED[0]} {SUPPORTED[7]} {SUPPORTED[1]}"
    whole = draft(answer)
    text = shown(released(whole))
    assert text.startswith("The maximum length of a deque is set by maxlen [1].")
    assert "Giraffes" not in text
    assert "kim@" not in text
    final = decide(whole, DEFAULT, RAILS, 60)
    assert isinstance(final, Conclude)
    assert final.answer.startswith(text)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=ANSWERS,
    finish=st.sampled_from(["stop", "length"]),
    name=st.sampled_from(["default", "strict"]),
    grounded=st.booleans(),
)
def test_the_response_continues_what_was_shown(
    parts: list[tuple[str, str]], finish: str, name: str, *, grounded: bool
) -> None:
    """The text that is shown is the beginning of the answer, if the draft becomes the answer."""
    answer = "".join(sentence + joint for sentence, joint in parts).strip()
    policy = POLICIES.find("default", name)
    whole = draft(answer, finish_reason=finish, passages=PASSAGES if grounded else ())
    text = shown(released(whole, policy))
    final = decide(whole, policy, RAILS, 60)
    if isinstance(final, Conclude) and final.kind == "generated":
        assert final.answer.startswith(text), (text, final.answer)
    if text:
        found = review(whole.model_copy(update={"finish_reason": "stop"}), text, policy, RAILS)
        # With a citation before its full stop, a Korean sentence without white space after it is joined to the next one.
        assert found.passed or re.search(r"\]\.\S", text), (text, found.reasons)
        assert not any(bad in text for bad in ("idiots", "kim@", "1234-5678", "im_end", "555-1234"))
        assert not grounded or not any(bad in text for bad in ("Giraffes", "기린"))


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(FRAGMENTS, st.sampled_from(SUPPORTED)), min_size=2, max_size=6))
def test_fragments_of_personal_data_are_shown_as_in_the_answer(parts: list[str]) -> None:
    """Pieces of addresses, numbers and names in any order, over the ends of sentences."""
    whole = draft(" ".join(parts).strip(), passages=())
    text = shown(released(whole))
    final = decide(whole, DEFAULT, RAILS, 60)
    if isinstance(final, Conclude) and final.kind == "generated":
        assert final.answer.startswith(text), (text, final.answer)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(ANSWERS, st.data())
def test_a_redelivery_and_a_new_process_give_the_same_bytes(parts: list[tuple[str, str]], data: Any) -> None:
    whole = draft("".join(sentence + joint for sentence, joint in parts).strip())
    made, stream = chunks(whole), SentenceStream(RAILS)
    first = [stream.release(c, DEFAULT) for c in made]
    again = data.draw(st.permutations(range(len(made))))
    for process in (stream, SentenceStream(RAILS), SentenceStream(RAILS, entries=1)):
        for index in again:
            event, repeated = first[index], process.release(made[index], DEFAULT)
            assert (event and encode(event)) == (repeated and encode(repeated))


@pytest.mark.parametrize(
    "answer",
    [
        f"The company is Harbour Ltd. The giraffes of Venus sleep for 45 minutes. {SUPPORTED[1]} {SUPPORTED[2]}",
        f'He said "a deque is a double-ended queue." {UNSUPPORTED[0]} maxlen sets the maximum length of a deque. '
        f"Its office has 12 rooms. {SUPPORTED[1]}",
        f"{SUPPORTED[8]}서울특별시 강남구 테헤란로 123에 있다. {SUPPORTED[9]} {SUPPORTED[7]}",
        "사무실은 2024. 5. 3. 이전했다.Apt. 5, Boston.서울특별시 강남구 테헤란로 123. (dot) com now. Its office has 12 "
        "rooms.\n(A deque is a double-ended queue.)",
        f"{SUPPORTED[0]} The company is Harbour Ltd. It is Harbour Co. {UNSUPPORTED[0]} maxlen sets it. {SUPPORTED[2]}",
    ],
)
def test_a_sentence_whose_end_depends_on_words_that_the_rails_drop_is_held_back(answer: str) -> None:
    whole = draft(answer)
    final = decide(whole, DEFAULT, RAILS, 60)
    assert isinstance(final, Conclude)
    assert final.answer.startswith(shown(released(whole)))


def test_a_list_marker_behind_removed_template_text_is_held_back() -> None:
    whole = draft("A deque is a queue.\n</s>가. 답: ```python", passages=())
    assert shown(released(whole)) == "A deque is a queue."


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize(
    "marks", ["\n## -", "\n\n* (", "\n\n1. -", "\n` -", "\n\n**-", "\n-", " -", "\n“", "\n```"]
)
def test_marks_without_words_at_the_end_drop_no_sentence_that_was_shown(marks: str, finish: str) -> None:
    whole = draft(f"{SUPPORTED[0]} {SUPPORTED[2]}{marks}", finish_reason=finish)
    text, final = shown(released(whole)), decide(whole, DEFAULT, RAILS, 60)
    assert isinstance(final, Conclude)
    assert final.answer.startswith(text)
    assert final.answer == f"{SUPPORTED[0]} {SUPPORTED[2][:-1]} [1]."


@pytest.mark.parametrize("end", ["Ltd.", 'Ltd, he said "so."', "Ltd, he said …"])
def test_a_sentence_with_an_open_end_is_released_with_the_next_one_that_remains(end: str) -> None:
    sentence = f"The company is Harbour {end}"
    events = released(draft(f"{sentence} The room is open. It is late.", passages=()))
    assert [e.text for e in events] == [f"{sentence} The room is open."]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I do not know that. A deque is a queue. It is more.", "the answer may abstain"),
        ("Use `d[1]. x here. And more of it.", "code is open"),
        ("You are stupid idiots. And more of it.", "toxicity"),
        ("Please return it to 35108 ul. Nowa", "an address goes on"),
        ("It is open until 9 Monday. Elm", "an address goes on"),
        ("My name is John A. Smith", "a name goes on"),
        ("Write to kim.minsu (at) example. com for", "an address on a network goes on"),
        ("Write to kim.minsu 골뱅이 naver. com 입니다", "an address on a network goes on"),
        ("Call 212-555-1234 ext. 5 for", "a number goes on"),
    ],
)
def test_text_is_held_back(answer: str, reason: str) -> None:
    assert released(draft(answer, passages=())) == [], reason


def test_a_held_number_is_masked_when_its_context_follows() -> None:
    whole = draft(
        "It is open. The number is 123456789. Passport control knows it. It is gone. It is late.", passages=()
    )
    first, *later = released(whole)
    assert first.text == "It is open."
    assert later[0].text.startswith(" The number is <PASSPORT_1>. Passport control")


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ("stream: whole", {}),
        ("stream: off", {}),
        ("output: {pii: {names: true}}", {}),
        ("output: {groundedness: {threshold: 0.4}}", {}),
        ("output: {groundedness: {enabled: false}}", {}),
        ("output: {echo: {enabled: true}}", {"ask": WITH_SYSTEM_MESSAGE}),
        ("", {"sealed": "…"}),
        ("", {"ask": Ask(question="q", stream=True, output_schema={"type": "string"})}),
        ("", {"verdicts": (Verdict(rail="injection", stage="input", decision="contain"),)}),
    ],
)
def test_nothing_is_shown_early_if_a_rail_needs_the_whole_answer(policy: str, fields: dict[str, Any]) -> None:
    assert released(draft(" ".join(SUPPORTED), **fields), parse_policy(policy, "x")) == []


def test_a_chunk_of_an_earlier_version_is_not_released() -> None:
    made = chunk(draft("A."), "A.").model_copy(update={"draft": None})
    assert SentenceStream(RAILS).release(made, DEFAULT) is None


def test_a_long_draft_costs_one_review_for_each_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    from septet_guardrails.application import streaming

    reviewed: list[str] = []

    def counting(draft: Draft, text: str, *args: Any) -> Any:
        reviewed.append(text)
        return review(draft, text, *args)

    monkeypatch.setattr(streaming, "review", counting)
    whole = draft(" ".join(f"Item {n} is here." for n in range(60)), passages=())
    assert len(released(whole)) <= len(chunks(whole)) == 59
    assert len(reviewed) == 59
    assert max(text.count("Item") for text in reviewed) <= 40


async def test_the_handler_emits_the_released_text() -> None:
    handler = TokensHandler(POLICIES, SentenceStream(RAILS))
    made = chunks(draft(" ".join(SUPPORTED[:3])))
    emits = [emit for c in made for emit in await handler(c, context("tokens", c))]
    assert [e.topic for e in emits] == ["released-tokens"] * 2
    unknown = chunks(draft(" ".join(SUPPORTED[:3]), ask=Ask(question="q", stream=True, policy="gone")))
    assert await handler(unknown[0], context("tokens", unknown[0])) == []


@pytest.mark.parametrize(
    ("answer", "fields", "texts"),
    [
        (SUPPORTED[0], {}, [SUPPORTED[0]]),
        (SUPPORTED[0], {"ask": Ask(question="q")}, []),
        (SUPPORTED[0], {"sealed": "…"}, []),
        ("You are stupid idiots.", {"attempt": 2}, []),
        (
            '"a"',
            {"ask": Ask(question="q", stream=True, output_schema={"type": "string"}), "passages": ()},
            ['"a"'],
        ),
    ],
)
async def test_the_whole_answer_is_released_with_its_outcome(
    answer: str, fields: dict[str, Any], texts: list[str]
) -> None:
    """It begins at offset 0, so that a reader without the earlier records has it all."""
    whole = draft(answer, chunks=3, **fields)
    outcome, *events = [
        e.event for e in await DraftsHandler(POLICIES, RAILS)(whole, context("drafts", whole))
    ]
    assert [e.text for e in events] == texts
    for event in events:
        assert (event.text, event.start, event.sequence, event.done) == (outcome.answer, 0, 3, True)

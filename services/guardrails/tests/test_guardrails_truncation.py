"""Drafts that end before they are complete."""

from __future__ import annotations

from typing import Any

import pytest
from septet_contracts import Answerability, Ask, Draft, Outcome, Passage, Quote, Revision
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.domain.completeness import stops_short, without_fragment
from septet_guardrails.domain.rails import output_rails
from septet_guardrails.domain.rails.format import cut, tidy
from septet_guardrails.domain.text import split_sentences
from septet_guardrails.handlers import DraftsHandler
from septet_kit.testing import context, flow

HANDLER = DraftsHandler(PolicyFiles.load(), output_rails(PresidioNames(), ProfanityModel()))
TEXT = "The Team plan costs 12 USD a month. It has 250 GB of storage. 팀 요금제는 한 달에 12달러입니다."
PASSAGE = Passage(
    passage_id="p1", document_id="d1", content_hash="h", text=TEXT, start=0, end=len(TEXT), score=1.0
)
BEST = "The Team plan costs 12 USD a month."
QUOTE = Quote(passage_id="p1", number=1, text=BEST, start=0, end=len(BEST), similarity=0.9)
ANSWERABLE = Answerability(score=0.9, threshold=0.5, answerable=True, best=QUOTE)
SCHEMA = {"type": "object", "properties": {"plan": {"type": "string"}, "usd": {"type": "integer"}}}


async def handle(answer: str, finish_reason: str = "length", **fields: Any) -> Any:
    event = flow(Draft, answer=answer, finish_reason=finish_reason, passages=(PASSAGE,), **fields)
    (emit,) = await HANDLER(event, context("drafts", event))
    return emit.event


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("One is here. Two is here.", "One is here. Two is here."),
        ("One is here. Two is he", "One is here."),
        ("One is here [1]. Two is", "One is here [1]."),
        ("It costs 12 USD [1]", "It costs 12 USD [1]"),
        ("It costs 12 USD. Version 3.", "It costs 12 USD."),
        ("It costs 12 USD. Ask Dr.", "It costs 12 USD."),
        ("Only half a sentence", ""),
        ("덱은 큐입니다. 양쪽에서 넣", "덱은 큐입니다."),
        ("양쪽에서 넣고 뺄 수 있는", ""),
        ("The steps are:\n- Open the file.\n- Read it\n- Clo", "The steps are:\n- Open the file.\n- Read it"),
        ("It has steps.\nThe steps are:\n- Op", "It has steps."),
        ("1. Open the file.\n2.", "1. Open the file."),
        ("Use a loop.\n```python\nfor x in", "Use a loop."),
        ("Use a loop.\n```python\nfor x in y: ...\n```", "Use a loop.\n```python\nfor x in y: ...\n```"),
    ],
)
def test_a_text_that_the_limit_cut_keeps_its_complete_sentences(text: str, kept: str) -> None:
    assert without_fragment(text, cut_off=True) == kept


@pytest.mark.parametrize(
    "text",
    [
        "It costs 12 USD. It has",
        "The plan is available for the",
        "It costs 12 USD, and",
        "The steps are:",
        "It costs 12 USD (or",
        "A plan of [1]",
        "1. Open the file.\n2.",
        "팀 요금제는",
        "한 달에 12달러이며",
        "요금제를 바꾸려면 설정에서",
        "저장 공간을",
        "무료로 쓸 수 있는",
        "이 요금제는 12달러이고, ",
        "12달러입니다. 그리고",
    ],
)
def test_an_end_that_goes_on_is_found_whatever_the_finish_reason(text: str) -> None:
    assert stops_short(text)


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        "12 USD a month",
        "12 USD [1]",
        "collections.deque",
        "https://example.org/docs/",
        "Yes, it is",
        "- Basic\n- Team",
        "It costs 12 USD.",
        '"It costs 12 USD." [1]',
        "It costs 12 USD (a month)",
        "Is it free?",
        "서울",
        "우크라이나",
        "마을",
        "회의",
        "3시부터 5시까지",
        "12달러입니다",
        "최고 관리자 권한",
        "결과",
        "네, 가능합니다",
    ],
)
def test_short_and_whole_answers_are_complete(text: str) -> None:
    assert not stops_short(text)
    assert without_fragment(text, cut_off=False) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It costs 12 USD. The storage of the", "It costs 12 USD."),
        ("It costs 12 USD. The team also gets free", "It costs 12 USD."),
        ("12달러입니다. 저장 공간은 아주 큰", "12달러입니다."),
        ("12달러입니다. 저장 공간은 250기가입니다", "12달러입니다. 저장 공간은 250기가입니다"),
        ("It costs 12 USD. (Team plan)", "It costs 12 USD. (Team plan)"),
        ("It costs 12 USD.\n- Basic\n- Team", "It costs 12 USD.\n- Basic\n- Team"),
    ],
)
def test_an_end_that_goes_on_is_unfinished(text: str, kept: str) -> None:
    assert without_fragment(text, cut_off=False, drafted=True) == kept


def test_a_list_marker_without_an_item_takes_no_sentence_with_it() -> None:
    assert without_fragment("One is here. Two is here.\n3.", cut_off=False) == "One is here. Two is here."
    assert without_fragment("1. Open the file.\n2.", cut_off=False) == "1. Open the file."


def test_an_introduction_goes_with_what_it_introduced() -> None:
    text = "It has two plans. They cost:\n- Mars\n"
    assert cut(text, split_sentences(text)[-1:]) == "It has two plans."


@pytest.mark.parametrize(
    ("reason", "answer"), [("length", "It has 250 GB of sto"), ("stop", "It has 250 GB of")]
)
async def test_an_unfinished_sentence_is_not_released(reason: str, answer: str) -> None:
    event = await handle(f"The Team plan costs 12 USD a month [1]. {answer}", reason)
    assert isinstance(event, Outcome)
    assert (event.status, event.answer) == ("answered", "The Team plan costs 12 USD a month [1].")
    fixed = next(v for v in event.verdicts if v.rail == "format")
    assert (fixed.decision, fixed.reason) == ("fix", "removed an unfinished sentence")


async def test_a_draft_without_a_complete_sentence_is_revised_then_quoted_then_refused() -> None:
    half = "팀 요금제는 한 달에 12달"
    event = await handle(half, language="ko", answerability=ANSWERABLE)
    assert isinstance(event, Revision)
    assert "cut off" in event.complaints[0]
    quoted = await handle(half, language="ko", answerability=ANSWERABLE, attempt=2)
    assert (quoted.answer_kind, quoted.answer, quoted.error) == ("extractive", f'"{BEST}" [1]', None)
    refused = await handle(half, language="ko", attempt=2)
    assert (refused.status, refused.error.code, refused.error.field) == ("refused", "draft_truncated", None)
    assert "잘렸습니다" in refused.answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"plan": "Team", "usd": 1', "length"),
        ('{"plan": "Team", "usd": 1', "stop"),
        ('{"plan": "Te', "stop"),
        ('```json\n{"plan": "a } b", "usd": [{"x": 1}', "stop"),
    ],
)
async def test_json_that_was_cut_is_reported_as_truncated(answer: str, reason: str) -> None:
    ask = Ask(question="What does Team cost?", output_schema=SCHEMA)
    event = await handle(answer, reason, ask=ask)
    assert isinstance(event, Revision)
    assert "cut off" in event.complaints[0]
    refused = await handle(answer, reason, ask=ask, attempt=2)
    assert (refused.status, refused.error.code) == ("refused", "draft_truncated")
    assert refused.error.field == "output_schema"
    assert "max_tokens_json" in refused.error.fix
    assert "cut off" in refused.answer


async def test_a_number_that_the_limit_cut_is_truncated() -> None:
    ask = Ask(question="How many?", output_schema={"type": "integer"})
    assert (await handle("12", ask=ask, attempt=2)).error.code == "draft_truncated"
    assert (await handle("12", "stop", ask=ask)).status == "answered"


async def test_other_invalid_json_is_not_called_truncated() -> None:
    ask = Ask(question="What does Team cost?", output_schema=SCHEMA)
    for answer in ("Team costs 12 USD.", '{"plan": Team}'):
        refused = await handle(answer, "stop", ask=ask, attempt=2)
        assert (refused.status, refused.error) == ("refused", None)
        verdict = next(v for v in refused.verdicts if v.rail == "structure")
        assert verdict.reason == "the answer is not valid JSON"


@pytest.mark.parametrize(
    "answer",
    [
        "You may write to us. The address is help@example.org",
        "You can use a deque. See https://docs.python.org/3/",
        "The price is 12 USD. It includes 250 GB",
        "문의는 인사팀. 전화는 1234번",
        "Vitamin A",
        "The answer is option A",
        "That is what the API is for",
        "The interval is [0, 1)",
        "The interval [0, 1) is half-open",
    ],
)
def test_complete_end_without_a_full_stop_stays(answer: str) -> None:
    assert without_fragment(answer, cut_off=False, drafted=True) == answer


def test_code_keeps_its_indentation_and_its_repeated_lines() -> None:
    answer = "Use this:\n```python\nif x:\n    return self.value_of_x\nelse:\n    return self.value_of_x\n```"
    assert tidy(answer) == (answer, [])

"""The handler of ``drafts``: answers, corrected answers, revisions, quotations and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import (
    Answerability,
    Ask,
    CacheInfo,
    Draft,
    Outcome,
    Passage,
    Quote,
    Revision,
    Verdict,
    decode,
    encode,
    event_id,
    topic,
)
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.domain.policy import CitationsRule, parse_policy
from septet_guardrails.domain.rails import output_rails
from septet_guardrails.domain.rails.base import Answer
from septet_guardrails.domain.rails.citations import CitationsRail
from septet_guardrails.handlers import DraftsHandler
from septet_kit import Permanent
from septet_kit.testing import context, flow

HANDLER = DraftsHandler(PolicyFiles.load(), output_rails(PresidioNames(), ProfanityModel()))
TEXT = (
    "A deque is a double-ended queue. Deques support memory efficient appends and pops from either side of the "
    "deque. Contact the maintainer at docs@python.org."
)
KOREAN = "덱은 양쪽 끝에서 추가와 삭제가 가능한 자료 구조이다. 덱의 최대 길이는 maxlen으로 정한다."
BEST = "Deques support memory efficient appends and pops from either side of the deque."


def passage(number: int, text: str) -> Passage:
    return Passage(
        passage_id=f"p{number}",
        document_id=f"d{number}",
        content_hash="h",
        title=f"Title {number}",
        text=text,
        start=0,
        end=len(text),
        score=1.0,
    )


PASSAGES = (passage(1, TEXT), passage(2, KOREAN))
BEST_QUOTE = Quote(passage_id="p1", number=1, text=BEST, start=33, end=33 + len(BEST), similarity=0.8)
ANSWERABLE = Answerability(score=0.9, threshold=0.5, answerable=True, best=BEST_QUOTE)


def draft(answer: str, **fields: Any) -> Draft:
    base: dict[str, Any] = {"passages": PASSAGES, "answerability": ANSWERABLE}
    return flow(Draft, answer=answer, **(base | fields))


async def handle(answer: str, **fields: Any) -> Any:
    event = draft(answer, **fields)
    (emit,) = await HANDLER(event, context("drafts", event))
    assert emit.topic == ("revisions" if isinstance(emit.event, Revision) else "outcomes")
    return emit.event


def decisions(event: Any) -> dict[str, str]:
    return {v.rail: v.decision for v in event.verdicts if v.stage == "output"}


async def test_good_answer_passes_every_rail() -> None:
    event = await handle(
        "A deque is a double-ended queue [1]. Deques support appends and pops from either side [1]."
    )
    assert isinstance(event, Outcome)
    assert (event.status, event.answer_kind, event.origin) == ("answered", "generated", "guardrails")
    assert decisions(event) == dict.fromkeys(
        ("format", "structure", "toxicity", "pii", "groundedness", "citations"), "pass"
    )
    grounded = next(v for v in event.verdicts if v.rail == "groundedness")
    assert grounded.score is not None
    assert grounded.score > 0.5
    assert event.event_id == event_id("default", "r-1", "outcome")
    assert event.policy_version


async def test_korean_answer_gets_a_missing_citation() -> None:
    event = await handle("덱의 최대 길이는 maxlen으로 정한다.", language="ko")
    assert event.answer == "덱의 최대 길이는 maxlen으로 정한다 [2]."
    assert decisions(event)["citations"] == "fix"


async def test_citations_of_missing_passages_are_removed() -> None:
    event = await handle("A deque is a double-ended queue [1][7].")
    assert event.answer == "A deque is a double-ended queue [1]."
    event = await handle("A deque is a double-ended queue [1, 9].")
    assert event.answer == "A deque is a double-ended queue [1]."


async def test_unsupported_sentence_is_dropped_if_others_remain() -> None:
    event = await handle("A deque is a double-ended queue [1]. It was invented by Napoleon in 1805 [1].")
    assert event.answer == "A deque is a double-ended queue [1]."
    assert decisions(event)["groundedness"] == "fix"


async def test_unsupported_answer_is_revised_once() -> None:
    event = await handle("Napoleon invented it in 1805 [1].")
    assert isinstance(event, Revision)
    assert event.attempt == 2
    assert event.rejected == "Napoleon invented it in 1805 [1]."
    assert "Napoleon" in event.complaints[0]
    assert event.event_id == event_id("default", "r-1", "revision", "2")


async def test_second_failure_is_replaced_by_a_quotation() -> None:
    event = await handle("Napoleon invented it in 1805 [1].", attempt=2)
    assert (event.status, event.answer_kind) == ("answered", "extractive")
    assert event.answer == f'"{BEST}" [1]'
    assert set(decisions(event).values()) == {"pass"}
    grounded = next(v for v in event.verdicts if v.rail == "groundedness")
    assert "in place of a draft that failed" in grounded.reason


async def test_no_revision_if_little_time_remains() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    event = await handle("Napoleon invented it in 1805 [1].", deadline=soon)
    assert event.answer_kind == "extractive"


async def test_refusal_has_reason_and_sources_if_nothing_can_be_quoted() -> None:
    event = await handle("Napoleon invented it in 1805 [1].", attempt=2, answerability=None)
    assert (event.status, event.answer_kind) == ("refused", "none")
    assert "the sources do not support it" in event.answer
    assert "[1] Title 1" in event.answer
    assert event.passages == PASSAGES
    korean = await handle("나폴레옹이 1805년에 발명했다 [1].", attempt=2, answerability=None, language="ko")
    assert "출처가 뒷받침하지 않았습니다" in korean.answer


async def test_quotation_that_fails_a_rail_is_not_used() -> None:
    hostile = "All immigrants are vermin and should be killed."
    quote = Quote(passage_id="p1", number=1, text=hostile, start=0, end=len(hostile), similarity=0.9)
    answerability = ANSWERABLE.model_copy(update={"best": quote})
    passages = (passage(1, hostile),)
    event = await handle(
        "Napoleon did it in 1805 [1].", attempt=2, passages=passages, answerability=answerability
    )
    assert event.status == "refused"


async def test_toxic_answer_is_never_replaced_by_a_quotation() -> None:
    first = await handle("You are a worthless idiot [1].")
    assert isinstance(first, Revision)
    second = await handle("You are a worthless idiot [1].", attempt=2)
    assert second.status == "refused"


async def test_empty_answer_is_revised_then_quoted() -> None:
    assert isinstance(await handle("  \n"), Revision)
    assert (await handle("", attempt=2)).answer_kind == "extractive"


@pytest.mark.parametrize(
    "answer", ["What is a deque [1]?", "덱은 무엇인가요 [2]?\n무엇인가요 [1]?", "Is it a queue? [1]"]
)
async def test_answer_that_is_a_question_is_revised(answer: str) -> None:
    event = await handle(answer)
    assert isinstance(event, Revision)
    assert event.complaints[0] == "State the answer; do not ask back."


async def test_template_text_repeats_and_fragments_are_removed() -> None:
    event = await handle(
        "Answer: A deque is a double-ended queue [1]. A deque is a double-ended queue [1]. Deques support memory",
        finish_reason="length",
    )
    assert event.answer == "A deque is a double-ended queue [1]."
    assert decisions(event)["format"] == "fix"


async def test_personal_data_from_no_source_is_masked() -> None:
    event = await handle("Contact the maintainer at docs@python.org or spy@evil.example [1].")
    assert "docs@python.org" in event.answer
    assert "<EMAIL_1>" in event.answer
    assert "spy@evil.example" not in event.answer


async def test_answer_without_information_abstains() -> None:
    event = await handle("The passages do not contain information about this.")
    assert (event.status, event.answer_kind) == ("abstained", "generated")
    korean = await handle("제공된 문서에는 해당 정보가 없습니다.", language="ko")
    assert korean.status == "abstained"


async def test_answer_without_passages_needs_no_citation() -> None:
    event = await handle("Paris is the capital of France.", passages=(), answerability=None)
    assert (event.status, event.answer) == ("answered", "Paris is the capital of France.")


async def test_input_verdicts_are_kept_and_verdicts_of_the_first_draft_dropped() -> None:
    old = (
        Verdict(rail="injection", stage="input", decision="pass"),
        Verdict(rail="groundedness", stage="output", decision="reask"),
    )
    event = await handle("A deque is a double-ended queue [1].", verdicts=old, attempt=2)
    assert event.verdicts[0] == old[0]
    assert decisions(event)["groundedness"] == "pass"


WARRANTY = (
    passage(1, "The warranty of the kettle lasts 24 months. The kettle weighs 2 kg."),
    passage(2, "Parcels are delivered within 3 days. Express parcels cost 5 USD."),
    passage(3, "The office in Seoul opens at 9 and closes at 18."),
)


@pytest.mark.parametrize(
    ("answer", "corrected"),
    [
        ("The warranty of the kettle lasts 24 months [1].", None),
        (
            "The warranty of the kettle lasts 24 months [3].",
            "The warranty of the kettle lasts 24 months [1].",
        ),
        (
            "The warranty of the kettle lasts 24 months [1][3].",
            "The warranty of the kettle lasts 24 months [1].",
        ),
        (
            "The kettle weighs 2 kg [2]. Express parcels cost 5 USD [2].",
            "The kettle weighs 2 kg [1]. Express parcels cost 5 USD [2].",
        ),
        (
            "The kettle weighs 2 kg [1]. Express parcels cost 5 USD.",
            "The kettle weighs 2 kg [1]. Express parcels cost 5 USD [2].",
        ),
    ],
)
async def test_every_cited_passage_supports_its_sentence(answer: str, corrected: str | None) -> None:
    event = await handle(answer, passages=WARRANTY)
    assert event.answer == (corrected or answer)
    assert decisions(event)["citations"] == ("fix" if corrected else "pass")


async def test_sentence_that_no_passage_supports_is_dropped_without_the_groundedness_rail() -> None:
    policies = PolicyFiles({"default": parse_policy("output: {groundedness: {enabled: false}}", "p")}, {})
    handler = DraftsHandler(policies, output_rails(PresidioNames(), ProfanityModel()))
    event = draft("The kettle weighs 2 kg [1]. The warranty lasts 30 months [3].", passages=WARRANTY)
    (emit,) = await handler(event, context("drafts", event))
    assert emit.event.answer == "The kettle weighs 2 kg [1]."
    event = draft("The warranty lasts 30 months [3].", passages=WARRANTY)
    (emit,) = await handler(event, context("drafts", event))
    assert isinstance(emit.event, Revision)


async def test_score_is_that_of_the_weakest_released_sentence() -> None:
    strong, weak = "The kettle weighs 2 kg [1].", "The kettle has a warranty that lasts 24 months [1]."
    scores = []
    for answer in (strong, weak, f"{strong} {weak}", f"{strong} {weak} Napoleon designed it in 1805 [1]."):
        event = await handle(answer, passages=WARRANTY)
        scores.append(next(v.score for v in event.verdicts if v.rail == "groundedness"))
    assert scores[2] == scores[3] == min(scores[0], scores[1])
    assert scores[0] != scores[1]


async def test_json_values_that_the_passages_do_not_support_are_revised_then_refused() -> None:
    table = "| plan | price per month |\n|---|---|\n| Basic | 5 USD |\n| Team | 12 USD |\n| Pro | 40 USD |"
    ask = Ask(question="How much is the Team plan?", output_schema={"type": "object"})
    wrong, right = '{"plan": "Team", "price_usd": 40}', '{"plan": "Team", "price_usd": 12}'
    given: dict[str, Any] = {"ask": ask, "passages": (passage(1, table),)}
    event = await handle(wrong, **given)
    assert isinstance(event, Revision)
    assert "price_usd: 40" in event.complaints[0]
    assert (await handle(wrong, attempt=2, **given)).status == "refused"
    assert (await handle(right, **given)).answer == right


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n"],
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"n": 1}', '{"n": 1}'),
        ('```json\n{"n": 1}\n```', '{"n": 1}'),
        ('Here it is: {"n": 1} I hope it helps', '{"n": 1}'),
        ('{"n": 1, "s": "call 010-1234-5678"}', '{"n": 1, "s": "call <PHONE_1>"}'),
    ],
)
async def test_json_answers_are_extracted_and_masked(answer: str, expected: str) -> None:
    passages = (passage(1, "To reach the office, call its 1 telephone."),)
    ask = Ask(question="How many telephones does the office have?", output_schema=SCHEMA)
    event = await handle(answer, ask=ask, passages=passages)
    assert (event.status, event.answer) == ("answered", expected)


@pytest.mark.parametrize("answer", ['{"n": "one"}', "not json", '{"n": 1', "[NaN]", '{"s": "x"}', ""])
async def test_invalid_json_is_revised_then_refused(answer: str) -> None:
    ask = Ask(question="How many?", output_schema=SCHEMA)
    assert isinstance(await handle(answer, ask=ask), Revision)
    event = await handle(answer, ask=ask, attempt=2)
    assert event.status == "refused"


async def test_personal_data_in_a_json_number_is_refused() -> None:
    schema = {"type": "object"}
    event = await handle('{"card": 4111111111111111}', ask=Ask(question="Card?", output_schema=schema))
    assert event.status == "refused"
    assert b"4111111111111111" not in encode(event)


async def test_missing_policy_fails_permanently() -> None:
    with pytest.raises(Permanent, match="no policy"):
        await handle("x", ask=Ask(question="q", policy="gone"))


async def test_unknown_decisions_and_cache_statuses_are_passed_on() -> None:
    unknown = Verdict(rail="new", stage="input", decision="quarantine")
    sent = draft(f"{BEST} [1]", verdicts=(unknown,), cache=CacheInfo(status="hit_federated"))
    event = decode(topic("drafts"), encode(sent))
    (emit,) = await HANDLER(event, context("drafts", event))
    assert emit.event.verdicts[0] == unknown
    assert emit.event.cache == event.cache


@pytest.mark.parametrize("answer", ["Bananas grow in warm countries.", f"{BEST} [2]", f"{BEST} [9]"])
def test_citations_with_the_action_flag_pass_the_answer_unchanged(answer: str) -> None:
    finding = CitationsRail().check(Answer(answer, draft(answer)), CitationsRule(action="flag"))
    assert (finding.decision, finding.text) == ("flag", None)


CODE = (passage(1, "The first argument of the program is sys.argv[1]. Print it with print(sys.argv[1])."),)


@pytest.mark.parametrize(
    ("answer", "corrected"),
    [
        (
            "The first argument of the program is `sys.argv[1]`.",
            "The first argument of the program is `sys.argv[1]` [1].",
        ),
        (
            "The first argument of the program is `sys.argv[9]` [1]:\n```\nprint(sys.argv[9])\n```",
            "The first argument of the program is `sys.argv[9]` [1]:\n```\nprint(sys.argv[9])\n```",
        ),
        (
            "Print the first argument of the program with print [1].\n```\nprint(sys.argv[1])\n```",
            "Print the first argument of the program with print [1].\n```\nprint(sys.argv[1])\n```",
        ),
    ],
)
def test_brackets_in_code_are_not_citations(answer: str, corrected: str) -> None:
    finding = CitationsRail().check(Answer(answer, draft(answer, passages=CODE)), CitationsRule())
    assert (finding.text or answer) == corrected


def test_an_index_in_code_over_the_end_of_a_sentence_is_no_citation() -> None:
    answer = "A deque is a double-ended queue (`1764.[5] It`) [1]."
    finding = CitationsRail().check(Answer(answer, draft(answer)), CitationsRule())
    assert "(`1764.[5] It`)" in (finding.text or answer)

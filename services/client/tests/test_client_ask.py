"""Asking: options, statuses, waiting and repetition."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import septet_client
from septet_client import (
    Blocked,
    Conflict,
    Expired,
    Failed,
    InvalidInput,
    Message,
    NoResponse,
    NotPermitted,
    RetrievalOptions,
    Septet,
    SeptetError,
    Unreachable,
)
from septet_contracts import Request, encode, record_key

from .support import MemoryLog, conflict_of, failed, respond

RESPONSES = "septet.responses.v2"
SOON = timedelta(milliseconds=50)


def silent(log: MemoryLog, event: Any, *_: Any) -> None:
    """A service that does not answer."""


def test_the_public_names_are_those_of_the_package() -> None:
    public = {name for name in vars(septet_client) if not name.startswith("_")}
    modules = {n for n in public if type(getattr(septet_client, n)).__name__ == "module"}
    assert public - modules == set(septet_client.__all__)
    errors = {n for n in septet_client.__all__ if _is_error(getattr(septet_client, n))}
    drawn = septet_client.errors.__doc__ or ""
    assert all(f"{name} " in drawn or f"{name}\n" in drawn for name in errors)


def _is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, SeptetError)


async def test_a_question_gets_its_response(septet: Septet, log: MemoryLog) -> None:
    response = await septet.ask("덱은 무엇인가요?")
    assert (response.status, response.answer) == ("answered", "echo: 덱은 무엇인가요?")
    topic, key, request = log.published[0]
    assert topic == "septet.requests.v1"
    assert key == record_key("default", request.request_id, None)
    assert request.model_fields_set == {"request_id", "tenant", "question"}


async def test_options_are_those_of_the_contract(septet: Septet, log: MemoryLog) -> None:
    until = datetime.now(UTC) + timedelta(seconds=30)
    await septet.ask(
        "Which one?",
        conversation="c1",
        messages=[Message(role="user", content="A deque?"), {"role": "assistant", "content": "A queue."}],
        retrieval=RetrievalOptions(mode="lexical", k=3),
        cache="refresh",
        policy="observe",
        model="fast",
        output_schema={"type": "object"},
        reference=("one", "two"),
        generate=False,
        deadline=until,
    )
    _, key, request = log.published[0]
    assert key == b"default:c1"
    assert [m.content for m in request.history] == ["A deque?", "A queue."]
    assert (request.retrieval.mode, request.retrieval.k, request.retrieval.fusion) == ("lexical", 3, "convex")
    assert (request.cache.use, request.policy, request.model) == ("refresh", "observe", "fast")
    assert (request.output_schema, request.reference) == ({"type": "object"}, ("one", "two"))
    assert (request.generate, request.deadline) == (False, until)


@pytest.mark.parametrize(
    ("question", "options", "field"),
    [
        (None, {}, None),
        ("x", {"retrieval": {"mode": "none"}}, "retrieval.mode"),
        ("x", {"colour": "red"}, "colour"),
        ("x", {"evaluation": {"run": "r", "case": "c"}}, "evaluation"),
        ("x", {"request_id": "not an id"}, "request_id"),
        ("x", {"deadline": datetime(2026, 1, 1)}, "deadline"),
        ("x\0y", {}, None),
        ("x", {"output_schema": {"a": object()}}, None),
    ],
    ids=str,
)
async def test_an_invalid_request_is_not_published(
    septet: Septet, log: MemoryLog, question: str | None, options: Any, field: str | None
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await septet.ask(question, **options)
    assert caught.value.field == field
    assert log.published == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        ("failed", "model_failed", Failed),
        ("failed", "conflict", Conflict),
        ("expired", "deadline_exceeded", Expired),
        ("postponed", "later", Failed),
    ],
)
async def test_a_response_without_an_answer_is_an_error(status: str, code: str, error: type[Failed]) -> None:
    def service(log: MemoryLog, event: Any, value: bytes, _: Any) -> None:
        response = conflict_of(event, value) if code == "conflict" else failed(event, code, status)
        log.append(RESPONSES, encode(response))

    async with Septet(log=MemoryLog(service)) as septet:
        with pytest.raises(error, match=code) as caught:
            await septet.ask("x")
    assert type(caught.value) is error
    assert caught.value.response.status == status
    assert caught.value.error is not None


@pytest.mark.parametrize("status", ["blocked", "refused"])
async def test_a_filtered_answer_is_an_error_by_choice(status: str) -> None:
    def service(log: MemoryLog, event: Any, *_: Any) -> None:
        log.answer(event, status=status, answer="I cannot answer this.")

    async with Septet(log=MemoryLog(service)) as septet:
        response = await septet.ask("x")
        assert (response.status, response.answer) == (status, "I cannot answer this.")
        with pytest.raises(Blocked):
            await septet.ask("x", raise_blocked=True)


async def test_many_questions_wait_at_once_and_others_are_skipped() -> None:
    held: list[Request] = []

    def service(log: MemoryLog, event: Any, *_: Any) -> None:
        held.append(event)
        log.answer(event.model_copy(update={"request_id": f"{event.request_id}-other"}))
        log.answer(event.model_copy(update={"tenant": "other"}), answer="of another tenant")
        log.append(RESPONSES, b"\xff not JSON")
        if len(held) == 50:
            for request in reversed(held):
                log.answer(request)
                log.answer(request, answer="a second one")

    async with Septet(log=MemoryLog(service)) as septet:
        responses = await asyncio.gather(*(septet.ask(f"q{n}") for n in range(50)))
        assert len(septet._waiting) == 0
    assert [r.answer for r in responses] == [f"echo: q{n}" for n in range(50)]


async def test_calls_beyond_the_limit_wait_for_a_place() -> None:
    held: list[Request] = []
    log = MemoryLog(lambda log, event, *_: held.append(event))
    async with Septet(log=log, max_waiting=2) as septet:
        asking = [asyncio.create_task(septet.ask(f"q{n}")) for n in range(5)]
        for turn in (2, 2, 1):
            await asyncio.sleep(0.02)
            assert len(held) == turn
            for request in held:
                log.answer(request)
            held.clear()
        assert len(await asyncio.gather(*asking)) == 5


async def test_without_a_response_the_wait_ends(log: MemoryLog) -> None:
    log.service, log.failure = silent, "no leader"
    async with Septet(log=log, margin=SOON) as septet:
        with pytest.raises(NoResponse, match="no leader") as caught:
            await septet.ask("x", deadline=timedelta())
        assert len(septet._waiting) == 0
    assert caught.value.request_id == log.published[0][2].request_id
    assert log.searches == []


async def test_a_repeated_request_gets_the_response_that_was_given(log: MemoryLog) -> None:
    async with Septet(log=log) as septet:
        first = await septet.ask("What is a deque?", request_id="faq-1")
    async with Septet(log=log) as other:
        second = await other.ask("What is a deque?", request_id="faq-1")
        assert second == first
        assert len(log.published) == 1
        topic, key, since = log.searches[-1]
        assert (topic, key) == (RESPONSES, b"default:faq-1")
        assert since is not None
        with pytest.raises(Conflict):
            await other.ask("Something else?", request_id="faq-1")
        assert await other.response("faq-1") == first
        assert await other.response("faq-2") is None
    assert len(log.published) == 1


async def test_a_conflict_of_another_body_is_not_the_response(log: MemoryLog) -> None:
    other = Request(request_id="faq-1", question="other")
    log.service = lambda log, event, *_: (
        log.append(RESPONSES, encode(conflict_of(other, encode(other)))),
        log.answer(event),
    )
    async with Septet(log=log) as septet:
        assert (await septet.ask("mine", request_id="faq-1")).answer == "echo: mine"
        assert (await septet.ask("mine", request_id="faq-1")).answer == "echo: mine"


async def test_an_old_response_is_found_when_the_wait_ends(log: MemoryLog) -> None:
    """Eval answers a repeated request no second time, and the response may be older than ``repeat_within``."""
    request = Request(request_id="old", question="x")
    log.append(RESPONSES, encode(respond(request)))
    log.records[RESPONSES][0] = (datetime.now(UTC) - timedelta(days=2), log.records[RESPONSES][0][1])
    log.service = silent
    async with Septet(log=log, margin=SOON) as septet:
        response = await septet.ask("x", request_id="old", deadline=timedelta())
    assert response.answer == "echo: x"
    assert [since is None for _, _, since in log.searches] == [False, True]


async def test_a_tenant_uses_its_own_topics(log: MemoryLog) -> None:
    def service(log: MemoryLog, event: Any, *_: Any) -> None:
        if isinstance(event, Request):
            log.append(f"{RESPONSES}.acme", encode(respond(event)))

    log.service = service
    async with Septet(log=log, tenant="acme", own_topics=True) as septet:
        response = await septet.ask("x")
        await septet.feedback(response, thumbs="up")
        await septet.documents.delete("d")
    assert [topic for topic, _, _ in log.published] == [
        "septet.requests.v1.acme",
        "septet.feedback.v1.acme",
        "septet.documents.v1.acme",
    ]


async def test_a_request_on_the_wrong_topics_fails_at_once(log: MemoryLog) -> None:
    """The shared topics answer a tenant with own topics for the tenant `shared`."""
    log.service = lambda log, event, *_: log.append(
        RESPONSES, encode(failed(event, "wrong_topic").model_copy(update={"tenant": "shared"}))
    )
    async with Septet(log=log, tenant="acme") as septet:
        with pytest.raises(Failed, match="wrong_topic"):
            await septet.ask("x")


@pytest.mark.parametrize(
    ("log", "error"),
    [(MemoryLog(down=True), Unreachable), (MemoryLog(denied=frozenset({RESPONSES})), NotPermitted)],
    ids=["down", "denied"],
)
async def test_a_client_that_cannot_start_is_closed(log: MemoryLog, error: type[SeptetError]) -> None:
    with pytest.raises(error):
        await Septet(log=log).__aenter__()
    assert log.closed == 1


async def test_the_published_bytes_hold_only_what_was_given(septet: Septet, log: MemoryLog) -> None:
    """A later version of the contracts with more defaults publishes the same bytes: no conflict with itself."""
    await septet.ask("x", request_id="r", cache="bypass")
    value = log.records["septet.requests.v1"][0][1].value
    assert json.loads(value) == {
        "request_id": "r",
        "tenant": "default",
        "question": "x",
        "cache": {"use": "bypass"},
    }

"""Repetition under an id of the caller: one response for each question, whichever verb asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_client import (
    Conflict,
    NoResponse,
    NotPermitted,
    Response,
    Septet,
    SeptetError,
    Unreachable,
    client,
)
from septet_client.history import is_conflict
from septet_client.options import AskOptions, prepare
from septet_client.ports import Position, Record
from septet_contracts import Request, encode, request_digest

from .support import MemoryLog, conflict_of, respond

RESPONSES, TOKENS = "septet.responses.v2", "septet.tokens.v1"
SOON = timedelta(milliseconds=50)
Verb = Callable[[Septet], Coroutine[Any, Any, str]]


async def ask(septet: Septet, question: str = "x") -> str:
    return (await septet.ask(question, request_id="r")).answer or ""


async def stream(septet: Septet, question: str = "x") -> str:
    return "".join([part async for part in septet.stream(question, request_id="r")])


async def interrupted(call: Coroutine[Any, Any, str]) -> None:
    """Cancel a call while it waits for its response."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Pipeline:
    """Answers the first body of an id once, and each other one once by a conflict, as eval does."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.reported: set[str] = set()
        self.answers = True
        self.first: Request | None = None

    def __call__(self, log: MemoryLog, event: Any, value: bytes, _: Position) -> None:
        digest = request_digest(value)
        first = self.digests.setdefault(event.request_id, digest)
        if first != digest:
            if digest not in self.reported:
                self.reported.add(digest)
                log.append(RESPONSES, encode(conflict_of(event, value)))
            return
        if self.first is None:
            self.first = event
            if self.answers:
                log.answer(event)

    def release(self, log: MemoryLog) -> None:
        """Answer the first body now."""
        assert self.first is not None
        log.answer(self.first)


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic of the installed contracts stands for that of checked text."""
    monkeypatch.setattr(client, "RELEASED_TOKENS", TOKENS)


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def log(pipeline: Pipeline) -> MemoryLog:
    return MemoryLog(pipeline)


@pytest.mark.parametrize("denied", [frozenset[str](), frozenset({TOKENS})], ids=["allowed", "denied"])
@pytest.mark.parametrize(("first", "second"), [(ask, stream), (stream, ask), (stream, stream)])
async def test_an_interrupted_call_is_repeated_by_either_verb(
    log: MemoryLog, pipeline: Pipeline, first: Verb, second: Verb, denied: frozenset[str]
) -> None:
    pipeline.answers = False
    async with Septet(log=log) as septet:
        await interrupted(first(septet))
    log.denied = denied
    async with asyncio.timeout(5), Septet(log=log) as septet:
        for _ in range(2):
            await interrupted(second(septet))
        last = asyncio.ensure_future(second(septet))
        await asyncio.sleep(0.01)
        pipeline.release(log)
        assert [await last, await second(septet)] == ["echo: x"] * 2
        response = await septet.response("r")
        assert response is not None
        assert response.status == "answered"


async def test_the_answer_counts_that_arrives_together_with_the_conflict(
    log: MemoryLog, pipeline: Pipeline
) -> None:
    pipeline.answers = False

    def service(log: MemoryLog, event: Any, value: bytes, position: Position) -> None:
        pipeline(log, event, value, position)
        if pipeline.reported:
            pipeline.release(log)

    log.service = service
    async with asyncio.timeout(5), Septet(log=log) as septet:
        streaming, asking = asyncio.ensure_future(stream(septet)), asyncio.ensure_future(ask(septet))
        assert await asyncio.gather(streaming, asking) == ["echo: x"] * 2
    assert len(log.published) == 2


async def test_an_answer_that_arrives_before_the_publication_replaces_it(log: MemoryLog) -> None:
    answer = encode(respond(Request(request_id="r", question="x")))
    async with asyncio.timeout(5), Septet(log=log, max_waiting=1) as septet:
        first = asyncio.ensure_future(septet.ask("x", deadline=timedelta(seconds=30)))
        log.service = lambda *_: None
        await asyncio.sleep(0.01)
        asking = asyncio.ensure_future(ask(septet))
        await asyncio.sleep(0.01)
        log.append(RESPONSES, answer)
        await asyncio.sleep(0.01)
        log.records[RESPONSES].clear()
        first.cancel()
        assert await asking == "echo: x"
    assert len(log.published) == 1


@pytest.mark.parametrize("verb", [ask, stream])
@pytest.mark.parametrize("answers", [True, False], ids=["answered", "in progress"])
async def test_another_question_is_a_conflict(
    log: MemoryLog, pipeline: Pipeline, verb: Any, answers: bool
) -> None:
    pipeline.answers = answers
    async with asyncio.timeout(5), Septet(log=log, margin=SOON) as septet:
        first = asyncio.ensure_future(ask(septet))
        await asyncio.sleep(0.01)
        for _ in range(2):
            with pytest.raises(Conflict):
                await verb(septet, "y")
        first.cancel()
    assert len(log.published) == (1 if answers else 3)


async def test_the_answer_to_another_question_is_no_response(log: MemoryLog) -> None:
    """The question of another process is answered while this one waits."""
    log.service = lambda log, *_: log.append(
        RESPONSES, encode(respond(Request(request_id="r", question="x")))
    )
    async with Septet(log=log) as septet:
        with pytest.raises(Conflict, match="another question"):
            await ask(septet, "y")


@pytest.mark.parametrize("verb", [ask, stream])
@pytest.mark.parametrize("earlier", [True, False], ids=["answered", "in progress"])
async def test_the_answer_to_the_same_question_with_other_options_is_a_conflict(
    log: MemoryLog, verb: Any, earlier: bool
) -> None:
    other = Request(request_id="r", question="x", policy="strict")
    answer = encode(respond(other, request_digest=request_digest(encode(other))))
    log.service = lambda log, *_: log.append(RESPONSES, answer)
    if earlier:
        log.append(RESPONSES, answer)
    async with asyncio.timeout(5), Septet(log=log) as septet:
        with pytest.raises(Conflict, match="other options"):
            await verb(septet)
    assert len(log.published) == (0 if earlier else 1)


@pytest.mark.parametrize("first", [ask, stream])
@pytest.mark.parametrize("second", [ask, stream])
async def test_the_digest_of_either_verb_is_that_of_the_question(
    log: MemoryLog, first: Verb, second: Verb
) -> None:
    log.service = lambda log, event, value, _: log.answer(event, request_digest=request_digest(value))
    async with asyncio.timeout(5), Septet(log=log) as septet:
        assert [await first(septet), await second(septet)] == ["echo: x"] * 2
    assert len(log.published) == 1


async def test_a_call_with_a_relative_deadline_is_repeated(log: MemoryLog) -> None:
    """Its bytes differ each time, so its question alone is compared."""
    log.service = lambda log, event, value, _: log.answer(event, request_digest=request_digest(value))
    async with asyncio.timeout(5), Septet(log=log) as septet:
        for question in ("x", "x"):
            response = await septet.ask(question, request_id="r", deadline=timedelta(seconds=30))
            assert response.answer == "echo: x"
        with pytest.raises(Conflict):
            await septet.ask("y", request_id="r", deadline=timedelta(seconds=30))
    assert len(log.published) == 1


async def test_an_earlier_response_is_preferred_to_a_conflict(log: MemoryLog) -> None:
    request = Request(request_id="r", question="x")
    conflict = conflict_of(request, encode(request))
    log.append(RESPONSES, encode(conflict))
    async with Septet(log=log) as septet:
        assert await septet.response("r") == conflict
        log.append(RESPONSES, encode(respond(request)))
        log.append(RESPONSES, encode(conflict))
        found = await septet.response("r")
    assert isinstance(found, Response)
    assert not is_conflict(found)


OPTIONS: list[AskOptions] = [
    {},
    {
        "conversation": "c",
        "deadline": datetime(2027, 1, 1, tzinfo=UTC),
        "retrieval": {"k": 3},
        "cache": "bypass",
    },
    {"policy": "observe", "model": "fast", "reference": ["1.50", "한국어"], "generate": False},
    {
        "messages": [{"role": "user", "content": "A deque?\u2028"}],
        "output_schema": {"type": "object", "x": None},
    },
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_other_body_is_that_of_the_other_verb(options: AskOptions) -> None:
    options = {**options, "request_id": "r"}
    whole, streamed = (prepare("default", "덱?", options, stream=stream) for stream in (False, True))
    assert whole.other() == streamed
    assert streamed.other() == whole
    assert "stream" not in json.loads(whole.value)


class UnreadableLog(MemoryLog):
    """A log whose searches fail, after a number of them."""

    error: SeptetError = Unreachable("the log cannot be read")
    readable: int = 0

    async def search(
        self, topic: str, key: bytes | None, since: datetime | None
    ) -> AsyncGenerator[Record, None]:
        if len(self.searches) >= self.readable:
            raise self.error
        async for record in super().search(topic, key, since):
            yield record


@pytest.mark.parametrize("error", [Unreachable("it is gone"), NotPermitted("not yours")], ids=repr)
async def test_a_timeout_is_no_response_although_the_search_after_it_fails(error: SeptetError) -> None:
    log = UnreadableLog(service=lambda *_: None)
    log.error, log.readable = error, 1
    async with Septet(log=log, margin=SOON) as septet:
        with pytest.raises(NoResponse, match=str(error)) as caught:
            await septet.ask("x", request_id="r", deadline=timedelta())
    assert caught.value.__cause__ is error
    assert caught.value.published


@pytest.mark.parametrize("options", [{}, {"request_id": "r"}], ids=["new id", "own id"])
async def test_a_call_that_got_no_place_says_that_it_published_nothing(options: AskOptions) -> None:
    log = MemoryLog(service=lambda *_: None)
    async with Septet(log=log, margin=SOON, max_waiting=1) as septet:
        first = asyncio.ensure_future(septet.ask("x"))
        await asyncio.sleep(0.01)
        with pytest.raises(NoResponse, match=r"was not published .* all 1 places of `max_waiting`") as caught:
            await septet.ask("y", deadline=timedelta(), **options)
        first.cancel()
    assert not caught.value.published
    assert len(log.published) == 1


async def test_a_call_that_only_searched_says_that_it_published_nothing() -> None:
    class SlowLog(MemoryLog):
        async def search(
            self, topic: str, key: bytes | None, since: datetime | None
        ) -> AsyncGenerator[Record, None]:
            if since is not None:
                await asyncio.sleep(3600)
            async for record in super().search(topic, key, since):
                yield record

    log = SlowLog()
    async with Septet(log=log, margin=SOON) as septet:
        with pytest.raises(NoResponse, match=r"was not published .* search") as caught:
            await septet.ask("x", request_id="r", deadline=timedelta())
    assert not caught.value.published
    assert log.published == []

"""Streamed answers on a whole Septet: checked sentences before the response, also through `kill -9`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from openai import AsyncOpenAI
from septet_cli.keys import open_keys
from septet_cli.log import connection_of
from septet_cli.stub.server import StubOptions, serve_stub
from septet_client import Septet
from septet_contracts import ReleasedTokens, Response
from septet_gateway.domain.keys import SCOPES
from septet_native.services import module_of

from ..conftest import Backend, stack_settings, started
from ..support.tail import Tail, tail

pytestmark = [pytest.mark.servers, pytest.mark.slow]

FACTS = {
    "harbour": (
        "The library of Harbour opens at nine on weekdays. It has 40 desks for visitors of the city. "
        "The library lends books for 28 days. A lost card costs 5 euros at the front desk. "
        "The reading room of the library closes at eight in the evening."
    ),
    "항구": (
        "항구 도서관은 평일 아침 아홉 시에 문을 연다. 도서관에는 방문자를 위한 책상이 40개 있다. "
        "도서관은 책을 28일 동안 빌려준다. 잃어버린 카드의 재발급 비용은 5유로이다. 열람실은 저녁 여덟 시에 닫는다."
    ),
    "museum": (
        "The museum of Larkspur shows 300 ships of the old harbour. Its guides speak English and Korean. "
        "You are all stupid idiots."
    ),
    # The model says the questions, which are no answer, so the rails quote the last sentence.
    "pier": (
        "Who built the pier of Larkspur? How long is the pier? Where are its boats? Who sells the tickets? Is it open? "
        "The pier of Larkspur closes at ten in the evening."
    ),
    "부두": (
        "부두는 누가 지었나요? 부두는 얼마나 긴가요? 배는 어디에 있나요? 표는 누가 파나요? 열려 있나요? "
        "솔섬 부두는 밤 열 시에 문을 닫는다."
    ),
}
QUESTIONS = {
    "harbour": "When does the library of Harbour open?",
    "항구": "항구 도서관은 언제 문을 여나요?",
    "museum": "What does the museum of Larkspur show?",
    "pier": "When does the pier of Larkspur close?",
    "부두": "솔섬 부두는 몇 시에 문을 닫나요?",
}


@dataclass
class Streamed:
    """One streamed call.

    Attributes:
        deltas: its texts.
        last: its last chunk.
    """

    request_id: str
    deltas: list[str] = field(default_factory=list)
    last: Any = None

    @property
    def text(self) -> str:
        return "".join(self.deltas)

    @property
    def finish_reason(self) -> str:
        return str(self.last.choices[0].finish_reason)

    @property
    def septet(self) -> dict[str, Any]:
        return dict((self.last.model_extra or {})["septet"])


@dataclass
class Library:
    """A Septet whose model says five sentences at 20 words a second."""

    backend: Backend
    client: AsyncOpenAI

    async def ask(self, about: str, kill: str | None = None, **options: Any) -> Streamed:
        """Ask; with ``kill``, that service dies after the first text."""
        call = Streamed(f"stream-{uuid4().hex[:8]}")
        stream = await self.client.chat.completions.create(
            model="septet",
            messages=[{"role": "user", "content": QUESTIONS.get(about, about)}],
            stream=True,
            extra_body={"septet": {"cache": {"use": "bypass"}, **options}},
            extra_headers={"Idempotency-Key": call.request_id},
        )
        async for chunk in stream:
            call.last = chunk
            if text := chunk.choices[0].delta.content:
                call.deltas.append(text)
                if kill is not None and len(call.deltas) == 1:
                    self._kill(kill)
        return call

    def _kill(self, service: str) -> None:
        assert self.backend.stack is not None
        process = next(p for p in self.backend.stack.status() if p.name == service)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Library]:
    """The stack, with its documents."""
    async with serve_stub(StubOptions(tokens_per_s=20, sentences=5)) as url:
        settings = stack_settings(tmp_path_factory.mktemp("library"), llm_url=url, llm_model="stub")
        async with started(settings) as backend:
            assert backend.stack is not None
            await backend.stack.spawn_service("gateway", module_of("gateway"), {})
            for name, text in FACTS.items():
                document = {"action": "upsert", "document_id": name, "text": text}
                await backend.client.publish("septet.documents.v1", f"default:{name}", document)
            for name in FACTS:
                await _searchable(backend, name)
            async with open_keys(backend.addresses) as store:
                key = await store.table.create("default", "test", SCOPES, store.secret)
            url = backend.addresses.gateway_url
            async with AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
                yield Library(backend, client)


async def _searchable(backend: Backend, name: str) -> None:
    for _ in range(60):
        found = await backend.ask(QUESTIONS[name], cache={"use": "bypass"}, generate=False)
        if [s.document_id for s in found.sources][:1] == [name]:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"{name} is not searchable after 30 s")


async def _response(followed: Tail, request_id: str) -> Response:
    record = await followed.first("responses", lambda r: request_id.encode() in r.value, 30)
    assert record is not None
    return Response.model_validate_json(record.value)


def _epochs(followed: Tail, request_id: str) -> dict[int, list[ReleasedTokens]]:
    """The records of each epoch; a repeated record has the bytes of the first one."""
    records = followed.found("released-tokens", lambda r: request_id.encode() in r.value)
    events = {r.value: ReleasedTokens.model_validate_json(r.value) for r in records}
    assert len({e.event_id for e in events.values()}) == len(events)
    found: dict[int, list[ReleasedTokens]] = {}
    for event in events.values():
        found.setdefault(event.epoch, []).append(event)
    return found


def _joined(events: list[ReleasedTokens]) -> str:
    text = ""
    for event in sorted(events, key=lambda e: e.sequence):
        assert event.start <= len(text)
        text += event.text[len(text) - event.start :]
    return text


@pytest.mark.parametrize("about", ["harbour", "항구"])
async def test_sentences_come_one_by_one_and_are_the_answer(library: Library, about: str) -> None:
    kafka = library.backend.addresses.connection()
    async with tail(kafka, "released-tokens", "responses") as followed:
        call = await library.ask(about)
        response = await _response(followed, call.request_id)
        done = await followed.first(
            "released-tokens", lambda r: call.request_id.encode() in r.value and b'"done":true' in r.value, 10
        )
    assert done is not None
    assert len(call.deltas) >= 4
    assert call.text == response.answer
    assert call.text.count("[1]") == 5
    assert call.finish_reason == "stop"
    (events,) = _epochs(followed, call.request_id).values()
    assert _joined(events) == response.answer
    assert ReleasedTokens.model_validate_json(done.value).text == response.answer


@pytest.mark.timeout(180)
@pytest.mark.parametrize("service", ["generation", "guardrails"])
async def test_a_stream_survives_kill_9(library: Library, service: str) -> None:
    kafka = library.backend.addresses.connection()
    async with tail(kafka, "released-tokens", "responses") as followed:
        call = await library.ask("harbour", kill=service)
        response = await _response(followed, call.request_id)
    assert call.text == response.answer
    assert call.finish_reason == "stop"
    epochs = _epochs(followed, call.request_id)
    assert len(epochs) == (2 if service == "generation" else 1)
    for events in epochs.values():
        assert (response.answer or "").startswith(_joined(events))


async def test_a_rail_that_fails_after_the_first_sentence_ends_the_stream(library: Library) -> None:
    kafka = library.backend.addresses.connection()
    async with tail(kafka, "released-tokens", "responses") as followed:
        call = await library.ask("museum")
        response = await _response(followed, call.request_id)
    assert response.status == "refused"
    shown = "The museum of Larkspur shows 300 ships of the old harbour. [1] Its guides speak English and Korean. [1]"
    assert call.text
    assert shown.startswith(call.text)
    assert call.finish_reason == "content_filter"
    assert call.septet["answer"] == response.answer
    released = b"".join(r.value for r in followed.found("released-tokens", lambda _: True))
    assert b"300 ships" in released
    assert b"idiots" not in released


NEPTUNE = "How many moons does the planet Neptune have?"
BYPASS = {"use": "bypass"}
OTHERS = [
    pytest.param("harbour", {"cache": {"use": "default"}}, ("answered", "cached"), id="cached"),
    pytest.param("pier", {"cache": BYPASS}, ("answered", "extractive"), id="extractive"),
    pytest.param("부두", {"cache": BYPASS}, ("answered", "extractive"), id="extractive-ko"),
    pytest.param(NEPTUNE, {"cache": BYPASS}, ("abstained", "none"), id="abstained"),
    pytest.param("Hello!", {"cache": BYPASS}, ("answered", "none"), id="small talk"),
]


@pytest.fixture(scope="module")
async def kept(library: Library) -> None:
    """An answer in the cache."""
    async with asyncio.timeout(60):
        while (await library.ask("harbour", cache={"use": "default"})).septet["answer_kind"] != "cached":  # noqa: ASYNC110
            await asyncio.sleep(0.5)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("question", "options", "kind"), OTHERS)
async def test_other_answers_are_streamed_by_their_responses(
    library: Library, question: str, options: dict[str, Any], kind: tuple[str, str]
) -> None:
    kafka = library.backend.addresses.connection()
    async with tail(kafka, "released-tokens", "responses") as followed:
        call = await library.ask(question, **options)
        response = await _response(followed, call.request_id)
    assert (response.status, response.answer_kind) == kind
    assert call.text
    assert call.text == response.answer
    assert call.finish_reason == "stop"
    assert not _epochs(followed, call.request_id)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("question", "options", "kind"), OTHERS)
async def test_the_python_client_streams_other_answers(
    library: Library, question: str, options: Any, kind: tuple[str, str]
) -> None:
    request_id = f"client-{uuid4().hex[:8]}"
    async with Septet(connection_of(library.backend.addresses.connection())) as septet:
        parts = septet.stream(QUESTIONS.get(question, question), request_id=request_id, **options)
        text = "".join([part async for part in parts])
        response = await septet.response(request_id)
    assert response is not None
    assert (response.status, response.answer_kind) == kind
    assert text
    assert text == response.answer

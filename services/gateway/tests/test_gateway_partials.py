"""Streams of checked sentences before the response, and how the response completes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from septet_contracts import ReleasedTokens, Request, Response, event_id
from septet_gateway.application.partials import Partial, Partials
from septet_gateway.domain.shown import Shown, until
from starlette.testclient import TestClient

from .conftest import open_client
from .support import MemoryLog, World, digest, respond
from .test_gateway_responses import QUESTION, opened
from .test_gateway_stream import stream

FIRST, SECOND = "A deque is a queue [1].", " It has two ends [1]."
Piece = tuple[int, int, str]


def released(request: Request, piece: Piece, sequence: int = 0, **fields: Any) -> ReleasedTokens:
    epoch, start, text = piece
    made: dict[str, Any] = {
        "request_id": request.request_id,
        "tenant": request.tenant,
        "event_id": event_id(request.tenant, request.request_id, ReleasedTokens.STEP, f"{epoch}/{sequence}"),
        "occurred_at": datetime.now(UTC),
        "request_digest": digest(request),
        "epoch": epoch,
        "sequence": sequence,
        "start": start,
        "text": text,
        "sentence": sequence + 1,
    }
    return ReleasedTokens(**(made | fields))


class Watched(Partial):
    """The text of a call, which notes what its stream has read."""

    _text = ""
    seen = ""

    @property  # type: ignore[override]
    def text(self) -> str:
        self.seen = self._text
        return self._text

    @text.setter
    def text(self, value: str) -> None:
        self._text = value

    @property
    def is_read(self) -> bool:
        return self.seen == self._text


class StreamingLog(MemoryLog):
    """A log on which released text comes before the response, each piece when the stream has read the one before it."""

    pieces: Sequence[Piece] = ()
    _sending: asyncio.Task[None] | None = None

    async def publish(self, event: Any) -> None:
        self._sending = asyncio.create_task(self._send(event))

    async def _send(self, event: Any) -> None:
        owner = event.tenant, event.request_id
        calls: list[Any] = self.waiting.partials._calls.get(owner, [])
        for call in calls:
            call.__class__ = Watched
        for number, piece in enumerate(self.pieces):
            self.waiting.partials.deliver(released(event, piece, number))
            # A client that disconnects removes its call.
            while not all(call.is_read for call in calls):  # noqa: ASYNC110 - nothing notifies
                await asyncio.sleep(0)
        await super().publish(event)


def open_world(pieces: Sequence[Piece], answer: str | None = FIRST + SECOND, **fields: Any) -> World:
    world = World()
    log = StreamingLog(world.waiting)
    log.pieces = pieces
    log.answer = lambda r: respond(r, answer=answer, **fields)
    world.log = log
    return world


def deltas(chunks: list[dict[str, Any]]) -> list[str]:
    return [d for c in chunks if c.get("choices") and (d := c["choices"][0]["delta"].get("content"))]


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ([(1, 0, FIRST)], [FIRST, SECOND]),
        ([(1, 0, FIRST), (1, len(FIRST), SECOND)], [FIRST, SECOND]),
        ([(1, 0, FIRST), (1, 0, FIRST), (1, 0, FIRST + SECOND)], [FIRST, SECOND]),
        ([(1, len(FIRST), SECOND)], [FIRST + SECOND]),
        ([(1, 0, FIRST), (2, 0, FIRST[:7]), (2, 7, FIRST[7:] + SECOND), (1, 0, "Old.")], [FIRST, SECOND]),
        ([], [FIRST + SECOND]),
    ],
)
def test_the_response_completes_the_text(pieces: list[Piece], sent: list[str]) -> None:
    """Repeated and missing records, and a second epoch with the same text."""
    with open_client(open_world(pieces)) as client:
        _, chunks = stream(client, stream_options={"include_usage": True})
    assert deltas(chunks) == sent
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert "answer" not in chunks[-2]["septet"]
    assert "usage" in chunks[-1]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)


@pytest.mark.parametrize(
    ("pieces", "fields", "sent"),
    [
        ([(1, 0, FIRST)], {"status": "refused", "answer": "I refuse."}, [FIRST]),
        ([(1, 0, FIRST)], {"status": "answered", "answer": "Another answer."}, [FIRST]),
        ([(1, 0, FIRST), (2, 0, "Another "), (2, 8, "answer.")], {"answer": "Another answer."}, [FIRST]),
    ],
)
def test_an_answer_that_does_not_continue_the_text_ends_with_the_content_filter(
    pieces: list[Piece], fields: dict[str, Any], sent: list[str]
) -> None:
    with open_client(open_world(pieces, **fields)) as client:
        _, chunks = stream(client)
    assert deltas(chunks) == sent
    assert chunks[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert chunks[-1]["septet"]["answer"] == fields["answer"]


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ([(1, 0, FIRST)], [FIRST, 2, "Another answer."]),
        ([(1, 0, FIRST), (2, 0, "Another "), (2, 8, "answer.")], [FIRST, 2, "Another ", "answer."]),
        (
            [(1, 0, FIRST), (2, 0, "Third."), (3, 0, "Another ")],
            [FIRST, 2, "Third.", 3, "Another ", "answer."],
        ),
    ],
)
def test_a_client_that_knows_epochs_gets_the_new_text(pieces: list[Piece], sent: list[Any]) -> None:
    with open_client(open_world(pieces, "Another answer.")) as client:
        _, chunks = stream(client, septet={"epochs": True})
    got = [c["septet"]["epoch"] if "epoch" in c.get("septet", {}) else deltas([c]) for c in chunks]
    assert [g[0] if isinstance(g, list) else g for g in got if g] == sent
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)


def test_a_failure_after_the_first_sentence_is_an_error_event() -> None:
    with open_client(open_world([(1, 0, FIRST)], answer=None, status="expired")) as client:
        _, chunks = stream(client)
    assert deltas(chunks) == [FIRST]
    assert "error" in chunks[-1]


def test_text_of_another_body_under_the_same_id_is_not_sent() -> None:
    world = open_world([])

    def deliver(request: Request) -> Response:
        other = released(request, (1, 0, "Secret."), request_digest="another")
        world.waiting.partials.deliver(other)
        world.waiting.partials.deliver(
            released(request.model_copy(update={"tenant": "globex"}), (1, 0, "X."))
        )
        return respond(request)

    world.log.answer = deliver
    with open_client(world) as client:
        _, chunks = stream(client)
    assert deltas(chunks) == ["A deque is a queue [1]."]


def test_only_a_streamed_call_asks_for_partial_text(client: TestClient, world: World) -> None:
    stream(client)
    body = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}
    client.post("/v1/chat/completions", json=body)
    client.post("/v1/responses", json={"model": "septet", "input": "q", "stream": True})
    assert [r.stream for r in world.asked] == [True, False, True]
    assert not world.waiting.partials.is_expected("acme", world.asked[0].request_id)


def test_a_stop_sequence_ends_the_text_before_the_response() -> None:
    with open_client(open_world([(1, 0, FIRST), (1, len(FIRST), SECOND)])) as client:
        _, chunks = stream(client, stop=["two ends", "queue [1]. Is"])
    assert "".join(deltas(chunks)) == "A deque is a queue [1]. It has "
    assert len(deltas(chunks)) > 1
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_the_responses_api_sends_the_same_text() -> None:
    async with opened(open_world([(1, 0, FIRST), (1, len(FIRST), SECOND)])) as client:
        raw = await client.responses.create(model="septet", input=QUESTION, stream=True)
        events = [e async for e in raw]
    assert [e.delta for e in events if e.type == "response.output_text.delta"] == [FIRST, SECOND]
    kinds = [e.type for e in events]
    assert kinds.count("response.output_item.added") == kinds.count("response.content_part.added") == 1
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[-1].response.output_text == FIRST + SECOND  # type: ignore[union-attr]


async def test_the_responses_api_ends_a_refused_text_as_incomplete() -> None:
    async with opened(open_world([(1, 0, FIRST)], "I refuse.", status="refused")) as client:
        async with client.responses.stream(model="septet", input=QUESTION) as streamed:
            text = "".join([e.delta async for e in streamed if e.type == "response.output_text.delta"])
        raw = await client.responses.create(model="septet", input=QUESTION, stream=True)
        last = [e async for e in raw][-1]
    assert text == FIRST
    assert last.type == "response.incomplete"
    assert last.response.output_text == FIRST
    assert (last.response.model_extra or {})["septet"]["answer"] == "I refuse."


@pytest.mark.parametrize(
    ("text", "before"), [("aba", "a"), ("caba", "ca"), ("cab", "ca"), ("cxyz", "c"), ("c", "c")]
)
def test_the_stop_that_is_complete_first_ends_the_text(text: str, before: str) -> None:
    """The model has not written the end of ``aba`` when ``b`` stops it."""
    assert until(text, ["b", "aba", "yz", "xyz"]) == before


@given(
    st.text(alphabet="ab\n", max_size=12), st.lists(st.text(alphabet="ab", min_size=1, max_size=3)), st.data()
)
def test_text_and_rest_are_the_answer_before_the_first_stop(text: str, stops: list[str], data: Any) -> None:
    shown, sent, size = Shown(stops), "", 0
    while size < len(text):
        size = data.draw(st.integers(size + 1, len(text)))
        sent += shown.more(text[:size])
    rest = shown.rest(until(text, stops))
    assert rest is not None
    assert sent + rest == until(text, stops)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9), st.integers(1, 9)), max_size=12))
def test_records_in_any_order_give_the_beginning_of_the_newest_epoch(
    cuts: list[tuple[int, int, int]],
) -> None:
    answers = {1: "0123456789abcdefgh", 2: "0123xxxxxxxxxxxxxx", 3: "나뭇잎을 모으는 사람들이 있다."}
    request = Request(request_id="r-1", tenant="acme", question="q")
    partial, partials = Partial(request), Partials()
    with partials.follow(partial):
        for epoch, start, size in cuts:
            partials.deliver(released(request, (epoch, start, answers[epoch][start : start + size])))
            assert answers[max(e for e, _, _ in cuts)].startswith(partial.text) or partial.epoch < 3
            assert answers[partial.epoch].startswith(partial.text)
    assert not partials.is_expected("acme", "r-1")

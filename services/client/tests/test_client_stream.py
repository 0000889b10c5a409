"""Streaming: checked text as it is released, completed from the response."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_client import Blocked, Septet, StreamWithdrawn, client
from septet_client.streaming import ReleasedText, remainder
from septet_contracts import Request, request_digest

from .support import MemoryLog, respond

TOKENS = "septet.tokens.v1"


def chunk(request_id: str, digest: str, start: int, text: str, epoch: int = 1) -> bytes:
    body = {"request_id": request_id, "tenant": "default", "request_digest": digest, "epoch": epoch}
    return json.dumps(body | {"start": start, "text": text}).encode()


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic of the installed contracts stands for that of checked text."""
    monkeypatch.setattr(client, "RELEASED_TOKENS", TOKENS)


def speaking(parts: Sequence[tuple[int, str]], **fields: Any) -> MemoryLog:
    """A log whose service releases parts of the answer, by their offsets, before the response."""

    def service(log: MemoryLog, event: Any, value: bytes, *_: Any) -> None:
        digest = request_digest(value)
        for start, text in parts:
            log.append(TOKENS, chunk(event.request_id, digest, start, text))
        log.append(TOKENS, chunk(event.request_id, "another body", 0, "not mine"))
        log.append(TOKENS, chunk("another-request", digest, 0, "not mine"))
        log.answer(event, **fields)

    return MemoryLog(service)


async def test_without_released_text_the_answer_arrives_at_once(septet: Septet, log: MemoryLog) -> None:
    assert [part async for part in septet.stream("What is a deque?")] == ["echo: What is a deque?"]


@pytest.mark.usefixtures("released")
async def test_released_text_is_yielded_and_completed_from_the_response() -> None:
    log = speaking([(0, "A. "), (0, "A. 나. "), (3, "나. "), (9, "E.")], answer="A. 나. C.")
    async with Septet(log=log) as septet:
        parts = [part async for part in septet.stream("x")]
    assert "".join(parts) == "A. 나. C."
    assert log.published[0][2].stream


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("denied", [frozenset[str](), frozenset({TOKENS})], ids=["allowed", "denied"])
async def test_only_streams_read_the_checked_text(denied: frozenset[str]) -> None:
    log = speaking([(0, "A. ")], answer="A. B.")
    log.denied = denied
    async with Septet(log=log) as septet:
        await septet.ask("x")
        assert len(log.listeners) == 1
        for _ in range(2):
            assert "".join([part async for part in septet.stream("x")]) == "A. B."
        assert len(log.listeners) == (1 if denied else 2)
    assert [request.stream for _, _, request in log.published] == [False, *[not denied] * 2]


@pytest.mark.usefixtures("released")
async def test_text_that_the_answer_does_not_continue_is_withdrawn() -> None:
    async with Septet(log=speaking([(0, "A. ")], answer="Another answer.")) as septet:
        with pytest.raises(StreamWithdrawn) as caught:
            _ = [part async for part in septet.stream("x")]
    assert caught.value.response.answer == "Another answer."
    async with Septet(log=speaking([(0, "A. ")], status="refused", answer="Sorry.")) as septet:
        with pytest.raises(Blocked):
            _ = [part async for part in septet.stream("x")]


@pytest.mark.usefixtures("released")
async def test_a_stream_that_is_left_stops_waiting() -> None:
    def service(log: MemoryLog, event: Any, value: bytes, *_: Any) -> None:
        log.append(TOKENS, chunk(event.request_id, request_digest(value), 0, "A. "))

    log = MemoryLog(service)
    async with Septet(log=log) as septet:
        stream = septet.stream("x")
        assert await anext(stream) == "A. "
        await stream.aclose()  # type: ignore[attr-defined]
        assert len(septet._waiting) == 0


@given(st.lists(st.text(min_size=1, max_size=5), max_size=8), st.randoms(), st.integers(0, 8))
def test_any_order_repetition_and_loss_of_records_gives_the_answer(
    parts: list[str], random: Any, lost: int
) -> None:
    answer, text, taken = "".join(parts), ReleasedText("d"), []
    starts = [len("".join(parts[:n])) for n in range(len(parts))]
    arrivals = [
        (start, part) for n, (start, part) in enumerate(zip(starts, parts, strict=True)) if n != lost
    ] * 2
    random.shuffle(arrivals)
    for start, part in arrivals:
        text.add(chunk("r", "d", start, part))
        text.add(b"not JSON")
        taken.append(text.take())
        assert answer.startswith(text.taken)
    response = respond(Request(request_id="r", question="x"), answer=answer)
    assert "".join(taken) + remainder(text.taken, response) == answer


def test_a_new_draft_continues_the_text_or_adds_nothing() -> None:
    text = ReleasedText("d")
    text.add(chunk("r", "d", 0, "A. B. "))
    assert text.take() == "A. B. "
    text.add(chunk("r", "d", 0, "A. ", epoch=2))
    assert text.take() == ""
    text.add(chunk("r", "d", 3, "B. C.", epoch=2))
    text.add(chunk("r", "d", 6, "of the first draft", epoch=1))
    assert text.take() == "C."
    text.add(chunk("r", "d", 0, "Another answer, which is longer.", epoch=3))
    assert text.take() == ""
    assert text.taken == "A. B. C."

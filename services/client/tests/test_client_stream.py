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
from septet_contracts import Request

from .support import MemoryLog, respond

TOKENS = "septet.tokens.v1"


def chunk(request_id: str, sequence: int, text: str, epoch: int = 1) -> bytes:
    return json.dumps(
        {"request_id": request_id, "tenant": "default", "epoch": epoch, "sequence": sequence, "text": text}
    ).encode()


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic of the installed contracts stands for that of checked text."""
    monkeypatch.setattr(client, "RELEASED_TOKENS", TOKENS)


def speaking(parts: Sequence[tuple[int, str]], **fields: Any) -> MemoryLog:
    """A log whose service releases parts of the answer before the response."""

    def service(log: MemoryLog, event: Any, *_: Any) -> None:
        for sequence, text in parts:
            log.append(TOKENS, chunk(event.request_id, sequence, text))
        log.append(TOKENS, chunk("another-request", 0, "not mine"))
        log.answer(event, **fields)

    return MemoryLog(service)


async def test_without_released_text_the_answer_arrives_at_once(septet: Septet, log: MemoryLog) -> None:
    assert [part async for part in septet.stream("What is a deque?")] == ["echo: What is a deque?"]


@pytest.mark.usefixtures("released")
async def test_released_text_is_yielded_and_completed_from_the_response() -> None:
    log = speaking([(1, "B. "), (0, "A. "), (1, "B. ")], answer="A. B. C.")
    async with Septet(log=log) as septet:
        parts = [part async for part in septet.stream("x")]
    assert "".join(parts) == "A. B. C."
    assert "".join(parts[:-1]) in ("A. B. ", "")
    assert log.published[0][2].stream


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
    log = MemoryLog(lambda log, event, *_: log.append(TOKENS, chunk(event.request_id, 0, "A. ")))
    async with Septet(log=log) as septet:
        stream = septet.stream("x")
        assert await anext(stream) == "A. "
        await stream.aclose()  # type: ignore[attr-defined]
        assert len(septet._waiting) == 0


@given(st.lists(st.text(min_size=1, max_size=5), max_size=8), st.randoms(), st.integers(0, 8))
def test_any_order_and_repetition_of_chunks_gives_the_answer(
    parts: list[str], random: Any, lost: int
) -> None:
    answer, text, taken = "".join(parts), ReleasedText(), []
    arrivals = [(n, part) for n, part in enumerate(parts) if n != lost] * 2
    random.shuffle(arrivals)
    for sequence, part in arrivals:
        text.add(chunk("r", sequence, part))
        text.add(chunk("r", sequence, "a later draft", epoch=2) if text.taken else b"not JSON")
        taken.append(text.take())
        assert answer.startswith(text.taken)
    response = respond(Request(request_id="r", question="x"), answer=answer)
    assert "".join(taken) + remainder(text.taken, response) == answer

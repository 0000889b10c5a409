"""The Responses API through the openai package, which checks each answer and event against its types."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response, ResponseCompletedEvent, ResponseTextDeltaEvent

MODEL = "septet"
QUESTION = "How many days of leave does an employee of Harbour have?"
INPUTS = [
    QUESTION,
    [{"role": "user", "content": QUESTION}],
    [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}]}],
]


@pytest.mark.parametrize("given", INPUTS, ids=["text", "messages", "parts"])
def test_a_response(given: object) -> None:
    with OpenAI(_strict_response_validation=True) as client:
        response = client.responses.create(model=MODEL, input=given, instructions="Be brief.")  # type: ignore[call-overload]
    assert isinstance(response, Response)
    assert (response.status, bool(response.output_text)) == ("completed", True)


def test_a_streamed_response() -> None:
    with OpenAI(_strict_response_validation=True) as client:
        events = list(client.responses.create(model=MODEL, input=QUESTION, stream=True))
    assert [event.sequence_number for event in events] == [*range(len(events))]
    last = events[-1]
    assert isinstance(last, ResponseCompletedEvent)
    text = "".join(event.delta for event in events if isinstance(event, ResponseTextDeltaEvent))
    assert text == last.response.output_text != ""


async def test_a_raw_response() -> None:
    async with AsyncOpenAI(_strict_response_validation=True) as client:
        raw = await client.responses.with_raw_response.create(model=MODEL, input=QUESTION)
        assert raw.parse().id == f"resp_{raw.headers['x-request-id']}"

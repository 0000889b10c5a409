"""``POST /v1/responses``, through OpenAI's client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, NotFoundError
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from septet_contracts import ErrorInfo, Request, Usage
from septet_gateway.api.sse import _events
from septet_gateway.application.partials import Partial
from septet_gateway.domain.response_object import ResponseEvents, ResponseObject
from septet_gateway.domain.responses import ResponsesBody
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, respond

PATH = "/v1/responses"
QUESTION = "What is a deque?"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SEQUENCE = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


@asynccontextmanager
async def opened(world: World, **settings: Any) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client on the application itself."""
    transport = httpx.ASGITransport(world.app(**settings))
    async with (
        httpx.AsyncClient(transport=transport) as http,
        AsyncOpenAI(
            base_url="http://gateway/v1", api_key=KEYS["ask"], http_client=http, max_retries=0
        ) as client,
    ):
        yield client


async def test_a_text_is_answered(world: World) -> None:
    world.log.answer = lambda r: respond(r, usage=Usage(prompt_tokens=30, completion_tokens=7))
    async with opened(world) as client:
        made = await client.responses.create(
            model="septet", input=QUESTION, instructions="Be brief.", store=True, metadata={"a": "b"}
        )
    assert (made.output_text, made.status, made.model) == ("A deque is a queue [1].", "completed", "septet")
    assert (made.instructions, made.metadata, made.error) == ("Be brief.", {"a": "b"}, None)
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens, made.usage.total_tokens) == (30, 7, 37)
    (asked,) = world.asked
    assert made.id == f"resp_{asked.request_id}"
    assert [(m.role, m.content) for m in asked.messages or ()] == [
        ("system", "Be brief."),
        ("user", QUESTION),
    ]
    shown = (made.model_extra or {})["septet"]
    assert (shown["request_id"], shown["status"]) == (asked.request_id, "answered")


def test_the_object_has_openais_form(client: TestClient) -> None:
    response = client.post(PATH, json={"model": "septet", "input": QUESTION})
    assert response.status_code == 200
    Response.model_validate_json(response.content, strict=True)
    assert response.headers["x-request-id"] in response.json()["id"]


async def test_a_conversation_is_answered(world: World) -> None:
    async with opened(world) as client:
        first = await client.responses.create(model="gpt-4o-mini", input=QUESTION)
        conversation: list[Any] = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
            *(item.model_dump() for item in first.output),
            {"type": "message", "role": "user", "content": "그리고 스택은?"},
        ]
        await client.responses.create(
            model="gpt-4o-mini", input=conversation, extra_body={"septet": {"conversation_id": "c-1"}}
        )
    asked = world.asked[1]
    assert [(m.role, m.content) for m in asked.messages or ()] == [
        ("system", "Be brief."),
        ("user", QUESTION),
        ("assistant", "A deque is a queue [1]."),
        ("user", "그리고 스택은?"),
    ]
    assert (asked.model, asked.conversation_id) == ("fast", "c-1")


class Term(BaseModel):
    """A structured answer."""

    name: str


async def test_a_schema_of_the_answer(world: World) -> None:
    world.log.answer = lambda r: respond(r, answer=None, answer_json={"name": "덱"})
    async with opened(world) as client:
        made = await client.responses.parse(model="septet", input=QUESTION, text_format=Term)
        assert made.output_parsed == Term(name="덱")
        async with client.responses.stream(model="septet", input=QUESTION, text_format=Term) as stream:
            assert (await stream.get_final_response()).output_parsed == Term(name="덱")
        await client.responses.create(
            model="septet", input=QUESTION, text={"format": {"type": "json_object"}}
        )
    schemas = [r.output_schema for r in world.asked]
    assert schemas[0] is not None
    assert schemas[0]["properties"]["name"]["type"] == "string"
    assert schemas[2] == {"type": "object"}


async def test_a_stream_has_the_events_that_the_client_expects(world: World) -> None:
    async with opened(world) as client:
        raw = await client.responses.create(model="septet", input=QUESTION, stream=True)
        events = [event async for event in raw]
        async with client.responses.stream(model="septet", input=QUESTION) as stream:
            text = "".join([e.delta async for e in stream if e.type == "response.output_text.delta"])
            final = await stream.get_final_response()
    assert [e.type for e in events] == SEQUENCE
    assert [e.sequence_number for e in events] == list(range(len(SEQUENCE)))
    assert text == final.output_text == "A deque is a queue [1]."
    assert final.status == "completed"


def test_the_events_have_openais_form(client: TestClient) -> None:
    response = client.post(PATH, json={"model": "septet", "input": QUESTION, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *blocks, end = response.text.split("\n\n")
    assert end == ""
    for block, kind in zip(blocks, SEQUENCE, strict=True):
        name, data = block.split("\n")
        assert name == f"event: {kind}"
        EVENT.validate_json(data.removeprefix("data: "), strict=True)
    created = {e["response"]["created_at"] for e in map(body_of, blocks) if "response" in e}
    assert len(created) == 1


def body_of(block: str) -> dict[str, Any]:
    return dict(json.loads(block.partition("data: ")[2]))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("answered", "completed"),
        ("abstained", "completed"),
        ("blocked", "incomplete"),
        ("refused", "incomplete"),
    ],
)
async def test_a_filtered_answer_is_incomplete(world: World, status: str, expected: str) -> None:
    world.log.answer = lambda r: respond(r, status=status, answer="차단되었습니다.")
    async with opened(world) as client:
        made = await client.responses.create(model="septet", input=QUESTION)
        raw = await client.responses.create(model="septet", input=QUESTION, stream=True)
        events = [event async for event in raw]
    assert (made.status, made.output_text) == (expected, "차단되었습니다.")
    reason = made.incomplete_details.reason if made.incomplete_details else None
    assert reason == ("content_filter" if expected == "incomplete" else None)
    assert events[-1].type == f"response.{expected}"
    assert events[-1].response.output_text == made.output_text


async def test_keep_alives_repeat_that_the_response_is_in_progress() -> None:
    asked = Request(request_id="r-1", question=QUESTION)
    made = ResponseObject(ResponsesBody(model="septet", input=QUESTION), "r-1")
    released: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    events = _events(released, ResponseEvents(made, 1), 0.001, Partial(asked))
    waited = [body_of((await anext(events)).decode())["type"] for _ in range(5)]
    assert waited == ["response.created", *["response.in_progress"] * 4]
    released.set_result(respond(asked))
    rest = [body_of(event.decode()) async for event in events]
    assert [e["type"] for e in rest] == SEQUENCE[2:]
    assert [e["sequence_number"] for e in rest] == list(range(5, 12))


async def test_the_client_reads_a_stream_with_keep_alives(world: World) -> None:
    world.log.delay = 0.1
    async with (
        opened(world, keep_alive="PT0.01S") as client,
        client.responses.stream(model="septet", input=QUESTION) as stream,
    ):
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert list(dict.fromkeys(kinds)) == SEQUENCE
    assert final.output_text == "A deque is a queue [1]."


async def test_failures_raise(world: World) -> None:
    info = ErrorInfo(code="unknown_policy", message="no such policy")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    async with opened(world) as client:
        for stream in (False, True):
            with pytest.raises(BadRequestError) as refused:
                await client.responses.create(model="septet", input=QUESTION, stream=stream)
            assert refused.value.code == "unknown_policy"
        with pytest.raises(NotFoundError):
            await client.responses.create(model="nothing", input=QUESTION)
    world.log.delay = 0.1
    async with opened(world, keep_alive="PT0.02S") as client:
        raw = await client.responses.create(model="septet", input=QUESTION, stream=True)
        with pytest.raises(APIError) as late:
            [event async for event in raw]
    assert (late.value.code, late.value.message) == ("unknown_policy", "no such policy")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "file_search"}]}, "tools[1].type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "o"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "q"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": "q"}] * 201}, "input"),
        ({"instructions": "x" * 32_769}, "instructions"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"model": None}, "model"),
        ({"septet": {"polcy": "p"}}, "septet.polcy"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_would_change_the_meaning_is_refused_by_name(
    client: TestClient, world: World, fields: dict[str, Any], param: str, *, stream: bool
) -> None:
    response = client.post(PATH, json={"model": "septet", "input": "q", "stream": stream, **fields})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, param)
    assert error["message"].startswith(param)
    assert world.log.published == []


@pytest.mark.parametrize(
    "fields",
    [
        {"store": True, "previous_response_id": None, "background": False, "conversation": None},
        {"store": False, "temperature": 0.2, "max_output_tokens": 9, "include": [], "truncation": "auto"},
        {
            "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
            "tool_choice": "auto",
        },
        {"text": {"verbosity": "low", "format": None}, "reasoning": {"effort": "low"}},
    ],
)
def test_other_fields_have_no_effect(client: TestClient, world: World, fields: dict[str, Any]) -> None:
    plain = client.post(PATH, json={"model": "septet", "input": QUESTION})
    response = client.post(PATH, json={"model": "septet", "input": QUESTION, **fields})
    assert plain.status_code == response.status_code == 200
    Response.model_validate_json(response.content, strict=True)
    first, second = (r.model_dump(exclude={"request_id"}) for r in world.asked)
    assert first == second


def test_the_same_key_and_body_give_the_one_response(world: World) -> None:
    headers = {"idempotency-key": "k-1"}
    sent = {"model": "septet", "input": QUESTION}
    with open_client(world) as client:
        first = client.post(PATH, json=sent, headers=headers)
    with open_client(world) as client:
        assert client.post(PATH, json=sent, headers=headers).json() == first.json()
        assert client.post(PATH, json={**sent, "input": "other"}, headers=headers).status_code == 409
    assert len(world.log.published) == 1

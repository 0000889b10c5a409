"""Texts that are no JSON, for clients that want JSON: refusals, through OpenAI's client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from septet_contracts import ReleasedTokens, Request, event_id
from starlette.testclient import TestClient

from .support import World, digest, respond
from .test_gateway_responses import EVENT, opened
from .test_gateway_stream import stream

MESSAGES: list[Any] = [{"role": "user", "content": "How many days of leave are there?"}]
TEXT = "문서에 답이 없습니다."
REFUSALS = [
    pytest.param({"status": "abstained"}, id="abstained"),
    pytest.param({"status": "blocked"}, id="blocked"),
    pytest.param({"status": "refused"}, id="refused"),
    pytest.param({"status": "answered"}, id="text"),
]
FORMATS = [
    pytest.param(
        {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}, id="schema"
    ),
    pytest.param({"type": "json_object"}, id="object"),
]


class Leave(BaseModel):
    """The JSON that a client wants."""

    days: int


@pytest.mark.parametrize("fields", REFUSALS)
async def test_parse_sees_the_refusal(world: World, fields: dict[str, Any]) -> None:
    world.log.answer = lambda r: respond(r, answer=TEXT, **fields)
    async with opened(world) as client:
        made = await client.chat.completions.parse(model="septet", messages=MESSAGES, response_format=Leave)
        (choice,) = made.choices
        assert (choice.message.refusal, choice.message.content, choice.finish_reason) == (TEXT, None, "stop")
        assert choice.message.parsed is None
        assert (choice.message.model_extra or {})["septet"]["status"] == fields["status"]
        parsed = await client.responses.parse(model="septet", input="q", text_format=Leave)
    assert (parsed.status, parsed.output_parsed, parsed.output_text) == ("completed", None, "")
    assert parsed.output[0].content[0].model_dump() == {"type": "refusal", "refusal": TEXT}  # type: ignore[union-attr]
    assert (parsed.model_extra or {})["septet"]["status"] == fields["status"]


@pytest.mark.parametrize("fields", REFUSALS)
async def test_a_stream_shows_the_refusal(world: World, fields: dict[str, Any]) -> None:
    world.log.answer = lambda r: respond(r, answer=TEXT, **fields)
    async with opened(world) as client:
        async with client.chat.completions.stream(
            model="septet", messages=MESSAGES, response_format=Leave
        ) as chunks:
            shown = "".join([event.delta async for event in chunks if event.type == "refusal.delta"])
            (choice,) = (await chunks.get_final_completion()).choices
        assert (choice.message.refusal, choice.message.parsed, choice.finish_reason) == (TEXT, None, "stop")
        assert (shown, choice.message.content) == (TEXT, "")
        async with client.responses.stream(model="septet", input="q", text_format=Leave) as events:
            found = [event async for event in events]
            final = await events.get_final_response()
    kinds = [event.type for event in found]
    assert [kind for kind in kinds if "refusal" in kind] == [
        "response.refusal.delta",
        "response.refusal.done",
    ]
    assert not [kind for kind in kinds if "output_text" in kind]
    assert (kinds[-1], final.output_parsed) == ("response.completed", None)
    assert final.output[0].content[0].model_dump() == {"type": "refusal", "refusal": TEXT}  # type: ignore[union-attr]


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("is_stream", [False, True])
def test_the_answer_to_a_schema_is_content(
    client: TestClient, world: World, wanted: dict[str, Any], *, is_stream: bool
) -> None:
    for answer, value in (('{"days": 31}', {"days": 31}), ("null", None)):
        world.log.answer = lambda r, a=answer, v=value: respond(r, answer=a, answer_json=v)
        if is_stream:
            _, chunks = stream(client, response_format=wanted)
            deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
            assert "".join(d.get("content", "") for d in deltas) == answer
            assert not any("refusal" in d for d in deltas)
        else:
            body = {"model": "septet", "messages": MESSAGES, "response_format": wanted}
            message = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
            assert (json.loads(message["content"]), message["refusal"]) == (value, None)


def test_a_response_without_text_is_no_refusal(client: TestClient, world: World) -> None:
    """With ``generate: false``, the sources are all there is."""
    world.log.answer = lambda r: respond(r, answer=None, answer_kind="none")
    body = {"model": "septet", "messages": MESSAGES, "response_format": {"type": "json_object"}}
    message = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == ("", None)


@pytest.mark.parametrize("wanted", FORMATS)
def test_released_text_waits_for_the_response_that_says_what_it_is(
    client: TestClient, world: World, wanted: dict[str, Any]
) -> None:
    """The draft that abstains is released before its response."""
    publish = world.log.publish

    async def release(request: Request) -> None:
        event = event_id(request.tenant, request.request_id, ReleasedTokens.STEP, "1")
        fields: dict[str, Any] = {"epoch": 1, "sequence": 0, "start": 0, "text": TEXT, "sentence": 1}
        ids = {"request_id": request.request_id, "tenant": request.tenant, "event_id": event}
        now = respond(request).occurred_at
        chunk = ReleasedTokens(**ids, **fields, request_digest=digest(request), occurred_at=now)
        world.waiting.partials.deliver(chunk)
        await publish(request)

    world.log.publish = release  # type: ignore[method-assign,assignment]
    world.log.answer = lambda r: respond(r, status="abstained", answer=TEXT)
    _, chunks = stream(client, response_format=wanted)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas == [{"role": "assistant", "content": ""}, {"refusal": TEXT}, {}]
    body = {"model": "septet", "input": "q", "stream": True, "text": {"format": {"type": "json_object"}}}
    lines = client.post("/v1/responses", json=body).text.splitlines()
    events = [EVENT.validate_json(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [event.delta for event in events if event.type == "response.refusal.delta"] == [TEXT]
    assert not [event for event in events if "output_text" in event.type]

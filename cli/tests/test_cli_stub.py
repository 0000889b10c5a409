"""The stub model, called with the client of the services."""

from __future__ import annotations

import httpx
import openai
import pytest
from septet_cli.stub.answers import answer, instance
from septet_cli.stub.server import StubOptions, serve_stub
from septet_experiments.judges import (
    Groundedness,
    Item,
    JudgeModel,
    JudgeProtocol,
    Pairwise,
    Reference,
    Reply,
    Rubric,
)

PROMPT = [
    {"role": "system", "content": "Answer."},
    {
        "role": "user",
        "content": '<passage n="2">\ndeque: A deque is a list-like sequence. It is fast.\n</passage>\n'
        '<passage n="3">\nlist: A list.\n</passage>\n\nQuestion: What is it?',
    },
]


def client(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)


async def test_streamed_and_complete_answers_are_equal_and_calls_are_counted() -> None:
    async with serve_stub(StubOptions()) as url, client(url) as model:
        whole = await model.chat.completions.create(model="m", messages=PROMPT)  # type: ignore[arg-type]
        text, usage = "", None
        stream = await model.chat.completions.create(  # type: ignore[call-overload]
            model="m", messages=PROMPT, stream=True, stream_options={"include_usage": True}
        )
        async for piece in stream:
            text += (piece.choices[0].delta.content or "") if piece.choices else ""
            usage = piece.usage or usage
        async with httpx.AsyncClient() as http:
            calls = (await http.get(url.removesuffix("/v1") + "/calls")).json()
    assert whole.choices[0].message.content == text == "deque: A deque is a list-like sequence. [2]"
    assert usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens  # type: ignore[union-attr]
    assert calls == {"calls": 2, "failed": 0}


async def test_failures_are_spread_evenly() -> None:
    async with serve_stub(StubOptions(fail_rate=0.25)) as url, client(url) as model:
        statuses = []
        for _ in range(8):
            try:
                await model.chat.completions.create(model="m", messages=PROMPT)  # type: ignore[arg-type]
                statuses.append(200)
            except openai.InternalServerError as error:
                statuses.append(error.status_code)
    assert statuses == [200, 200, 200, 503] * 2


async def test_a_hanging_model_does_not_respond() -> None:
    async with serve_stub(StubOptions(hang=True)) as url, client(url) as model:
        with pytest.raises(openai.APITimeoutError):
            await model.chat.completions.create(model="m", messages=PROMPT, timeout=0.3)  # type: ignore[arg-type]


def test_the_answer_satisfies_the_schema() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b", "c"],
        "properties": {
            "a": {"enum": ["x"]},
            "b": {"type": "integer"},
            "c": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    }
    assert instance(schema) == {"a": "x", "b": 0, "c": ["stub"]}
    assert answer(PROMPT, schema).startswith("{")


def test_without_passages_the_answer_names_the_stub() -> None:
    assert answer([{"role": "user", "content": "안녕?"}], None) == "This is the stub model."


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("protocol", [Groundedness, Pairwise, Reference, Rubric])
def test_a_judge_gets_a_verdict_in_its_format(protocol: type[JudgeProtocol], language: str) -> None:
    made = protocol(JudgeModel("stub"))  # type: ignore[call-arg]
    item = Item("q", "one", other="two", references=("three",), sources=("four",), language=language)
    replies = [
        Reply(text=answer([{"role": "user", "content": call.user}], None)) for call in made.calls(item)
    ]
    assert made.conclude(item, replies).value in (0.5, 0.75, 1.0)

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import Ask, Draft, Embedding, Grounded, Revision, TokenChunk, Usage, Verdict
from septet_generation.adapters.openai_chat import OpenAIChat
from septet_generation.adapters.templates import Templates
from septet_generation.application import token_stream
from septet_generation.application.drafting import Drafter
from septet_generation.application.token_stream import MAX_CHUNKS
from septet_generation.domain.catalogue import Catalogue, Model
from septet_kit import DeadlineExceeded, Emit, Permanent, Transient
from septet_kit.testing import context, flow, passage
from septet_kit.text import settled_end

TEXT = "A deque is a double-ended queue."
PASSAGE = passage(TEXT, location="collections.deque")
CONTAINED = Verdict(rail="injection", stage="input", decision="contain")
LONG = "덱은 자료 구조이다. It was made in 2004. 5. 3. by A. It grows at both ends."


class Counting:
    """Epochs in memory."""

    def __init__(self) -> None:
        self.count = 0

    async def next(self, tenant: str, request_id: str) -> int:
        self.count += 1
        return self.count


@pytest.fixture
def sent() -> list[Emit]:
    return []


@pytest.fixture
async def chat() -> AsyncIterator[OpenAIChat]:
    client = OpenAIChat()
    yield client
    await client.aclose()


@pytest.fixture
def drafter(chat: OpenAIChat, endpoint: Any, sent: list[Emit]) -> Drafter:
    model = Model(model="tiny", url=endpoint.url, input_usd_per_million=1.0, output_usd_per_million=2.0)
    return Drafter(
        Catalogue({"default": model}),
        chat,
        Templates.load().render,
        Counting(),
        sent.append,
        margin=timedelta(milliseconds=100),
    )


def with_models(drafter: Drafter, **models: Model) -> Drafter:
    from dataclasses import replace

    return replace(drafter, catalogue=Catalogue(models))


def eager(drafter: Drafter) -> Drafter:
    """A drafter that sends every sentence."""
    from dataclasses import replace

    return replace(drafter, stream_interval=timedelta(0))


async def draft(drafter: Drafter, event: Grounded | Revision, attempt: int = 1) -> Draft:
    return await drafter.draft(event, context("grounded", event), attempt)


def chunks(sent: list[Emit]) -> list[TokenChunk]:
    assert {e.topic for e in sent} <= {"tokens"}
    return [e.event for e in sent if isinstance(e.event, TokenChunk)]


async def test_a_draft_has_the_passages_the_usage_and_the_cost(drafter: Drafter, endpoint: Any) -> None:
    event = flow(Grounded, passages=(PASSAGE,))
    made = await draft(drafter, event)
    assert made.answer == endpoint.answer
    assert (made.model, made.attempt, made.finish_reason) == ("tiny-1", 1, "stop")
    assert made.prompt_version.startswith("answer@1:")
    assert made.passages == event.passages
    assert made.usage.model_calls == 1
    assert made.usage.cost_usd == pytest.approx((20 * 1.0 + made.usage.completion_tokens * 2.0) / 1e6)
    assert made.causation_id == event.event_id
    assert [t.stage for t in made.timings] == ["generation"]
    assert TEXT in endpoint.calls[0]["messages"][-1]["content"]


async def test_each_attempt_has_its_own_event_id(drafter: Drafter) -> None:
    event = flow(Grounded)
    first, again, second = [await draft(drafter, event, n) for n in (1, 1, 2)]
    assert first.event_id == again.event_id != second.event_id


async def test_a_revision_prompts_with_the_rejected_draft_and_adds_usage(
    drafter: Drafter, endpoint: Any
) -> None:
    event = flow(
        Revision,
        rejected="A deque is a card game.",
        complaints=("No passage says that.",),
        passages=(PASSAGE,),
        usage=Usage(prompt_tokens=7, completion_tokens=3, model_calls=1),
    )
    made = await draft(drafter, event, 2)
    user = endpoint.calls[0]["messages"][-1]["content"]
    assert "card game" in user
    assert "No passage says that." in user
    assert made.prompt_version.startswith("revise@1:")
    assert (made.usage.prompt_tokens, made.usage.model_calls, made.attempt) == (27, 2, 2)


async def test_tokens_are_sent_only_on_request(drafter: Drafter, sent: list[Emit]) -> None:
    await draft(drafter, flow(Grounded))
    assert sent == []


@pytest.mark.parametrize(
    "fields",
    [
        {"ask": Ask(question="q", stream=True), "verdicts": (CONTAINED,)},
        {"ask": Ask(question="q", stream=True), "sealed": "…"},
        {"ask": Ask(question="q", stream=True, output_schema={"type": "string"})},
    ],
)
async def test_no_tokens_are_sent_where_the_rails_need_the_whole_answer(
    drafter: Drafter, endpoint: Any, sent: list[Emit], fields: dict[str, Any]
) -> None:
    endpoint.answer = LONG
    made = await draft(drafter, flow(Grounded, **fields))
    assert sent == []
    assert (made.epoch, made.chunks) == (None, 0)


async def test_a_chunk_has_the_draft_up_to_the_end_of_a_sentence(
    drafter: Drafter, endpoint: Any, sent: list[Emit]
) -> None:
    endpoint.answer = LONG
    asked = Ask(question="덱?", stream=True)
    vector = Embedding.of("m", [0.5])
    event = flow(Grounded, ask=asked, passages=(PASSAGE,), question_vector=vector)
    made = await draft(eager(drafter), event)
    got = chunks(sent)
    drafts = [c.draft for c in got if c.draft is not None]
    assert [d.answer for d in drafts] == [
        "덱은 자료 구조이다.",
        "덱은 자료 구조이다. It was made in 2004. 5. 3. by A.",
    ]
    assert "".join(c.text for c in got) == drafts[-1].answer
    assert [c.cuts for c in got] == [(), (len(drafts[0].answer),)]
    assert [(c.epoch, c.sequence) for c in got] == [(1, 0), (1, 1)]
    assert {d.passages for d in drafts} == {event.passages}
    assert {d.embedding for d in drafts} == {None}
    assert {(d.event_id, d.ask, d.request_digest, d.epoch) for d in drafts} == {
        (made.event_id, asked, event.request_digest, 1)
    }
    assert (made.epoch, made.chunks, made.embedding) == (1, 2, vector)
    assert made.answer.startswith(drafts[-1].answer)


async def test_chunks_have_an_interval(drafter: Drafter, endpoint: Any, sent: list[Emit]) -> None:
    endpoint.answer = LONG
    made = await draft(drafter, flow(Grounded, ask=Ask(question="q", stream=True)))
    assert [c.text for c in chunks(sent)] == ["덱은 자료 구조이다."]
    assert made.chunks == 1


@pytest.mark.parametrize("token", ["word ", "`x = d[1] ", "<passage ", "ab. <passage "])
def test_a_long_sentence_is_searched_once_an_interval(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searches = 0

    def counting(text: str, start: int = 0) -> int:
        nonlocal searches
        searches += 1
        return settled_end(text, start)

    monkeypatch.setattr(token_stream, "settled_end", counting)
    times = (count / 1_000 for count in range(100_000))
    source = flow(Draft, answer="", ask=Ask(question="q", stream=True), epoch=1)
    stream = token_stream.TokenStream(source, 1, lambda emit: None, 0.1, times.__next__)
    for _ in range(8_000):
        stream.add(token)
    before_it_is_long = 1_000 // len(token) + 1
    assert searches <= before_it_is_long + 8_000 / 100 + 1


async def test_a_draft_has_a_bounded_number_of_chunks(
    drafter: Drafter, endpoint: Any, sent: list[Emit]
) -> None:
    endpoint.answer = " ".join(f"Sentence {n} is here." for n in range(3 * MAX_CHUNKS))
    made = await draft(eager(drafter), flow(Grounded, ask=Ask(question="q", stream=True)))
    assert len(chunks(sent)) == made.chunks == MAX_CHUNKS


async def test_tags_of_the_prompt_are_in_no_chunk(drafter: Drafter, endpoint: Any, sent: list[Emit]) -> None:
    endpoint.answer = 'One is here. <passage title="a. b c"> Two is here. And three is here.'
    made = await draft(eager(drafter), flow(Grounded, ask=Ask(question="q", stream=True)))
    assert made.answer == "One is here. Two is here. And three is here."
    assert [c.text for c in chunks(sent)] == ["One is here.", " Two is here."]


async def test_a_new_attempt_has_a_higher_epoch(drafter: Drafter, endpoint: Any, sent: list[Emit]) -> None:
    endpoint.answer = LONG
    event = flow(Grounded, ask=Ask(question="q", stream=True))
    endpoint.cut_after = 6
    with pytest.raises(Transient):
        await draft(drafter, event)
    endpoint.cut_after = None
    made = await draft(drafter, event)
    assert [(c.epoch, c.sequence, c.cuts) for c in chunks(sent)] == [(1, 0, ()), (2, 0, ())]
    assert len({c.event_id for c in chunks(sent)}) == 2
    assert made.epoch == 2


async def test_a_fallback_is_reported_as_degraded(
    drafter: Drafter, endpoint: Any, second_endpoint: Any
) -> None:
    endpoint.status = 503
    models = {
        "default": Model(model="tiny", url=endpoint.url, fallbacks=("fallback",)),
        "fallback": Model(model="fallback", url=second_endpoint.url),
    }
    made = await draft(with_models(drafter, **models), flow(Grounded, degraded=("retrieval.dense",)))
    assert made.answer == second_endpoint.answer
    assert made.degraded == ("retrieval.dense", "generation.tiny")


async def test_a_hanging_model_leaves_time_for_its_fallback(
    drafter: Drafter, endpoint: Any, second_endpoint: Any
) -> None:
    endpoint.hang_after = 1
    models = {
        "default": Model(
            model="tiny", url=endpoint.url, fallbacks=("fallback",), timeout=timedelta(seconds=0.3)
        ),
        "fallback": Model(model="fallback", url=second_endpoint.url),
    }
    made = await draft(with_models(drafter, **models), flow(Grounded))
    assert made.answer == second_endpoint.answer


async def test_a_permanent_error_does_not_use_the_fallback(
    drafter: Drafter, endpoint: Any, second_endpoint: Any
) -> None:
    endpoint.status = 401
    models = {
        "default": Model(model="tiny", url=endpoint.url, fallbacks=("fallback",)),
        "fallback": Model(model="fallback", url=second_endpoint.url),
    }
    with pytest.raises(Permanent):
        await draft(with_models(drafter, **models), flow(Grounded))
    assert second_endpoint.calls == []


@pytest.mark.parametrize("hang_after", [0, 2])
async def test_a_hanging_model_fails_before_the_deadline(
    drafter: Drafter, endpoint: Any, hang_after: int
) -> None:
    endpoint.hang_after = hang_after
    event = flow(Grounded, deadline=datetime.now(UTC) + timedelta(seconds=0.8))
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await draft(drafter, event)
    assert 0.4 < time.monotonic() - started < 0.8


async def test_a_past_deadline_calls_no_model(drafter: Drafter, endpoint: Any) -> None:
    event = flow(Grounded, deadline=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(DeadlineExceeded):
        await draft(drafter, event)
    assert endpoint.calls == []


async def test_an_unknown_alias_is_rejected(drafter: Drafter) -> None:
    with pytest.raises(Permanent) as raised:
        await draft(drafter, flow(Grounded, ask=Ask(question="q", model="gpt-9")))
    assert raised.value.code == "unknown_model"


async def test_json_answers_have_their_own_token_limit(drafter: Drafter, endpoint: Any) -> None:
    model = Model(model="tiny", url=endpoint.url, max_tokens=10, max_tokens_json=999)
    asked = with_models(drafter, default=model)
    structured = Ask(question="q", output_schema={"type": "boolean"})
    await draft(asked, flow(Grounded, ask=structured))
    await draft(asked, flow(Revision, ask=structured, attempt=2), 2)
    await draft(asked, flow(Grounded))
    await draft(asked, flow(Grounded, language="ko"))
    assert [c["max_tokens"] for c in endpoint.calls] == [128, 999, 10, 36]


async def test_a_json_answer_is_not_cleaned_up(drafter: Drafter, endpoint: Any) -> None:
    endpoint.answer = '{"a": "<passage n=1> x"}'
    made = await draft(drafter, flow(Grounded, ask=Ask(question="q", output_schema={"type": "object"})))
    assert made.answer == endpoint.answer

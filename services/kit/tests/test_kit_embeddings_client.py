"""The client of an embeddings endpoint, and what it remembers."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from numpy.typing import NDArray
from pydantic import SecretStr
from septet_kit import Permanent, SeptetError, Transient
from septet_kit.embeddings_client import Embedder
from septet_kit.settings import KitSettings


class Endpoint:
    """Answers with a vector of its own for each text, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.seen: list[str] = []
        self.in_base64 = False
        self.status = 200
        self.left_out = 0

    async def embeddings(self, request: web.Request) -> web.Response:
        texts: list[str] = (await request.json())["input"]
        self.asked.append(texts)
        self.seen.extend(request.headers.values())
        found = [self._embedding(text) for text in texts[self.left_out :]]
        return web.json_response({"data": [{"embedding": one} for one in found]}, status=self.status)

    def _embedding(self, text: str) -> str | list[float]:
        numbers = [float(len(text)), 1.0]
        return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode() if self.in_base64 else numbers


def unit(texts: Sequence[str]) -> NDArray[np.float32]:
    """What the endpoint's vectors are once they have a length of 1."""
    vectors = np.array([[len(text), 1] for text in texts], dtype=np.float32)
    found: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def embedder(endpoint: Endpoint) -> AsyncIterator[Embedder]:
    async with embedder_of(endpoint, embeddings_model="m") as made:
        yield made


@asynccontextmanager
async def embedder_of(endpoint: Endpoint, **settings: str) -> AsyncIterator[Embedder]:
    app = web.Application()
    app.router.add_post("/v1/embeddings", endpoint.embeddings)
    async with TestServer(app) as server:
        keys = {
            "embeddings_api_key": SecretStr("key-of-embeddings"),
            "llm_api_key": SecretStr("key-of-chat"),
        }
        made = Embedder(KitSettings(embeddings_url=str(server.make_url("/v1")), **keys, **settings), cached=3)
        yield made
        await made.close()


@pytest.mark.parametrize(
    ("settings", "question", "passage"),
    [
        ({}, "query: a", "passage: a"),
        ({"embeddings_model": "intfloat/multilingual-e5-small"}, "query: a", "passage: a"),
        ({"embeddings_model": "all-MiniLM-L6-v2"}, "a", "a"),
        ({"embeddings_model": "other"}, "a", "a"),
        ({"embeddings_model": "other", "embeddings_question_prefix": "ask: "}, "ask: a", "a"),
        ({"embeddings_passage_prefix": ""}, "query: a", "a"),
    ],
)
async def test_a_text_gets_the_prefix_of_its_kind(
    endpoint: Endpoint, settings: dict[str, str], question: str, passage: str
) -> None:
    async with embedder_of(endpoint, **settings) as embedder:
        await embedder.embed(["a"], "question")
        await embedder.embed(["a"], "passage")
    assert [text for texts in endpoint.asked for text in texts] == list(dict.fromkeys((question, passage)))


@pytest.mark.parametrize(
    ("model", "multilingual"), [("multilingual-e5-small", True), ("all-MiniLM-L6-v2", False), ("m", False)]
)
async def test_a_model_says_whether_it_is_multilingual(
    endpoint: Endpoint, model: str, multilingual: bool
) -> None:
    async with embedder_of(endpoint, embeddings_model=model) as embedder:
        assert embedder.multilingual is multilingual


@pytest.mark.parametrize("in_base64", [False, True])
async def test_vectors_are_unit_and_in_the_order_of_the_texts(
    embedder: Embedder, endpoint: Endpoint, in_base64: bool
) -> None:
    endpoint.in_base64 = in_base64
    texts = ["four", "한국어", "four"]
    vectors = await embedder.embed(texts, "question")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, unit(texts), rtol=1e-6)
    assert endpoint.asked == [["four", "한국어"]]


async def test_what_was_asked_for_last_is_remembered(embedder: Embedder, endpoint: Endpoint) -> None:
    await embedder.embed(["a", "b", "c"], "question")
    await embedder.embed(["a"], "question")
    await embedder.embed(["d"], "question")
    endpoint.asked.clear()
    await embedder.embed(["a", "c", "d"], "question")
    assert endpoint.asked == []
    await embedder.embed(["b"], "question")
    assert endpoint.asked == [["b"]]


async def test_a_remembered_vector_does_not_hold_those_it_came_with(embedder: Embedder) -> None:
    await embedder.embed([str(number) for number in range(64)], "question")
    assert all(vector.base is None for vector in embedder._known.values())


async def test_more_texts_than_are_remembered_are_all_embedded(
    embedder: Embedder, endpoint: Endpoint
) -> None:
    texts = ["x" * length for length in range(1, 101)]
    np.testing.assert_allclose(await embedder.embed(texts, "question"), unit(texts), rtol=1e-6)
    assert sorted(len(batch) for batch in endpoint.asked) == [36, 64]
    assert len(embedder._known) == 3


@pytest.mark.parametrize("left_out", [1, 2])
async def test_a_vector_too_few_is_a_fault_of_the_endpoint(
    embedder: Embedder, endpoint: Endpoint, left_out: int
) -> None:
    endpoint.left_out = left_out
    with pytest.raises(Transient, match="unexpected response") as caught:
        await embedder.embed(["a", "b"], "question")
    assert caught.value.code == "embeddings_unavailable"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(503, Transient, "embeddings_unavailable"), (400, Permanent, "embeddings_rejected")],
)
async def test_a_refusal_says_whether_another_try_may_help(
    embedder: Embedder, endpoint: Endpoint, status: int, kind: type[SeptetError], code: str
) -> None:
    endpoint.status = status
    with pytest.raises(kind, match=str(status)) as caught:
        await embedder.embed(["a"], "question")
    assert caught.value.code == code


async def test_the_endpoint_sees_its_own_key_and_never_the_chat_key(
    embedder: Embedder, endpoint: Endpoint
) -> None:
    await embedder.embed(["a"], "question")
    assert "Bearer key-of-embeddings" in endpoint.seen
    assert not any("key-of-chat" in value for value in endpoint.seen)

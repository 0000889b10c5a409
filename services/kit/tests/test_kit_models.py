"""The client of an embeddings endpoint, and what it remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from septet_kit.models import Embedder
from septet_kit.settings import KitSettings


class Endpoint:
    """Answers with a vector of its own for each text, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def embeddings(self, request: web.Request) -> web.Response:
        texts = (await request.json())["input"]
        self.asked.append(texts)
        return web.json_response({"data": [{"embedding": [float(len(text)), 1.0]} for text in texts]})


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def embedder(endpoint: Endpoint) -> AsyncIterator[Embedder]:
    app = web.Application()
    app.router.add_post("/v1/embeddings", endpoint.embeddings)
    async with TestServer(app) as server:
        url = str(server.make_url("/v1"))
        made = Embedder(KitSettings(embeddings_url=url, embeddings_model="m"), remember=3)
        yield made
        await made.close()


async def test_vectors_are_unit_and_in_the_order_of_the_texts(embedder: Embedder, endpoint: Endpoint) -> None:
    vectors = await embedder.embed(["four", "한국어", "four"])
    expected = np.array([[4, 1], [3, 1], [4, 1]], dtype=np.float32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6)
    assert endpoint.asked == [["four", "한국어"]]


async def test_what_was_asked_for_last_is_remembered(embedder: Embedder, endpoint: Endpoint) -> None:
    await embedder.embed(["a", "b", "c"])
    await embedder.embed(["a"])
    await embedder.embed(["d"])
    endpoint.asked.clear()
    await embedder.embed(["a", "c", "d"])
    assert endpoint.asked == []
    await embedder.embed(["b"])
    assert endpoint.asked == [["b"]]


async def test_a_remembered_vector_does_not_hold_those_it_came_with(embedder: Embedder) -> None:
    await embedder.embed([str(number) for number in range(64)])
    assert all(vector.base is None for vector in embedder._known.values())


async def test_more_texts_than_are_remembered_are_all_embedded(
    embedder: Embedder, endpoint: Endpoint
) -> None:
    texts = ["x" * length for length in range(1, 101)]
    assert len(await embedder.embed(texts)) == 100
    assert [len(batch) for batch in endpoint.asked] == [64, 36]

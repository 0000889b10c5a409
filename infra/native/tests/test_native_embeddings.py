"""The embeddings server: the API, the batcher and the model."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from septet_kit import embedding_models
from septet_kit.embedding_models import KNOWN
from septet_native.errors import StackError
from septet_native.models.batcher import Batcher, Overloaded, Vectors
from septet_native.models.build import DEFAULT, MODELS
from septet_native.models.embedding_model import WIDTH, EmbeddingModel
from septet_native.models.embeddings import create_app
from septet_native.models.encoder import Encoder, Tokens
from septet_native.packages.cache import cache_root
from starlette.applications import Starlette


class Recorder:
    """An encoder that records its batches; every element of a text's vector is its length."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def tokenize(self, texts: list[str]) -> list[Tokens]:
        return [Tokens(tuple(range(len(text)))) for text in texts]

    def run(self, batch: list[Tokens]) -> Vectors:
        self.entered.set()
        assert self.gate.wait(10)
        self.batches.append([len(tokens) for tokens in batch])
        if any(len(tokens) == 13 for tokens in batch):
            raise ValueError("unlucky")
        return np.array([[len(tokens)] * WIDTH for tokens in batch], np.float32)


@asynccontextmanager
async def running(
    encoder: Recorder, workers: int = 1, batch: int = 4, queue: int = 64
) -> AsyncIterator[Batcher]:
    batcher = Batcher(encoder, workers, batch, queue)
    batcher.start()
    yield batcher
    encoder.gate.set()
    await batcher.stop()


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://embeddings") as client,
    ):
        yield client


async def test_vectors_are_in_the_order_of_the_texts() -> None:
    async with running(Recorder()) as batcher:
        embedded = await batcher.embed(["three", "a", "fourteen chars", "no"])
    assert embedded.vectors[:, 0].tolist() == [5, 1, 14, 2]
    assert embedded.tokens == 22


async def test_callers_share_batches_and_questions_come_first() -> None:
    encoder = Recorder()
    async with running(encoder) as batcher:
        encoder.gate.clear()
        first = asyncio.create_task(batcher.embed(["x"]))
        await asyncio.to_thread(encoder.entered.wait, 5)
        bulk = asyncio.create_task(batcher.embed(["b" * n for n in (20, 40, 30, 10, 50)]))
        await asyncio.sleep(0.05)
        questions = [asyncio.create_task(batcher.embed(["q" * n])) for n in (2, 3)]
        await asyncio.sleep(0.05)
        encoder.gate.set()
        await asyncio.gather(first, bulk, *questions)
    assert encoder.batches == [[1], [2, 3], [10, 20, 30, 40], [50]]


async def test_failed_batch_fails_its_callers_only() -> None:
    async with running(Recorder(), batch=1) as batcher:
        good, bad = await asyncio.gather(
            batcher.embed(["fine"]), batcher.embed(["thirteen char"]), return_exceptions=True
        )
        assert isinstance(bad, ValueError)
        assert not isinstance(good, BaseException)
        assert (await batcher.embed(["again"])).tokens == 5


async def test_full_queue_rejects_texts() -> None:
    encoder = Recorder()
    async with running(encoder, queue=2) as batcher:
        with pytest.raises(Overloaded):
            await batcher.embed(["a", "b", "c"])
        assert batcher.depth == 0


async def test_texts_of_a_cancelled_caller_are_skipped() -> None:
    encoder = Recorder()
    async with running(encoder) as batcher:
        encoder.gate.clear()
        first = asyncio.create_task(batcher.embed(["x"]))
        await asyncio.to_thread(encoder.entered.wait, 5)
        gone = asyncio.create_task(batcher.embed(["gone"]))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        encoder.gate.set()
        await first
        await batcher.embed(["yy"])
    assert encoder.batches == [[1], [2]]


async def test_floats_and_base64_encode_the_same_numbers() -> None:
    async with serving(create_app(lambda _: Recorder())) as client:
        body = {"model": DEFAULT.name, "input": ["abc", "안녕"]}
        plain = (await client.post("/v1/embeddings", json=body)).json()
        coded = (await client.post("/v1/embeddings", json={**body, "encoding_format": "base64"})).json()
    assert [len(item["embedding"]) for item in plain["data"]] == [WIDTH, WIDTH]
    decoded = np.frombuffer(base64.b64decode(coded["data"][1]["embedding"]), "<f4")
    assert decoded.tolist() == plain["data"][1]["embedding"]
    assert plain["usage"] == {"prompt_tokens": 5, "total_tokens": 5}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"model": DEFAULT.name, "input": []}, 400, "1 to"),
        ({"model": DEFAULT.name, "input": ["a", "  "]}, 400, "input[1] is empty"),
        ({"model": DEFAULT.name, "input": [[1, 2]]}, 400, "input"),
        ({"model": DEFAULT.name}, 400, "input"),
        ({"input": "a"}, 400, "model"),
        ({"model": DEFAULT.name, "input": "a", "encoding_format": "hex"}, 400, "encoding_format"),
        ({"model": DEFAULT.name, "input": "a", "dimensions": 8}, 400, "dimensions"),
        ({"model": "other", "input": "a"}, 404, "no model 'other'"),
    ],
)
async def test_invalid_input_is_rejected_with_the_reason(
    body: dict[str, object], status: int, says: str
) -> None:
    async with serving(create_app(lambda _: Recorder())) as client:
        reply = await client.post("/v1/embeddings", json=body)
    assert reply.status_code == status
    assert says in reply.json()["error"]["message"]


async def test_invalid_json_returns_400() -> None:
    async with serving(create_app(lambda _: Recorder())) as client:
        reply = await client.post("/v1/embeddings", content=b"\xff{")
    assert reply.status_code == 400


async def test_overload_returns_429() -> None:
    async with serving(create_app(lambda _: Recorder(), max_queue=1)) as client:
        reply = await client.post("/v1/embeddings", json={"model": DEFAULT.name, "input": ["a", "b"]})
    assert reply.status_code == 429
    assert reply.headers["retry-after"]


async def test_model_is_loaded_at_its_first_request_and_once() -> None:
    loaded: list[str] = []

    def load(name: str) -> Recorder:
        loaded.append(name)
        return Recorder()

    async with serving(create_app(load)) as client:
        assert loaded == [DEFAULT.name]
        names = ["sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2", f"intfloat/{DEFAULT.name}"]
        bodies = [{"model": name, "input": "a"} for name in names]
        replies = await asyncio.gather(*(client.post("/v1/embeddings", json=body) for body in bodies))
        listed = (await client.get("/v1/models")).json()["data"]
    assert loaded == [DEFAULT.name, "all-MiniLM-L6-v2"]
    assert [reply.json()["model"] for reply in replies] == [
        "all-MiniLM-L6-v2",
        "all-MiniLM-L6-v2",
        DEFAULT.name,
    ]
    assert [item["id"] for item in listed] == list(MODELS)


async def test_model_that_cannot_be_built_returns_503_with_the_fix() -> None:
    def load(name: str) -> Recorder:
        if name != DEFAULT.name:
            raise StackError("no weights.", "run `make setup`")
        return Recorder()

    async with serving(create_app(load)) as client:
        reply = await client.post("/v1/embeddings", json={"model": "all-MiniLM-L6-v2", "input": "a"})
    assert reply.status_code == 503
    assert "run `make setup`" in reply.json()["error"]["message"]


def test_kit_defines_the_served_models() -> None:
    assert set(KNOWN) == set(MODELS)
    assert {definition.dimensions for definition in KNOWN.values()} == {WIDTH}
    assert DEFAULT.name == embedding_models.DEFAULT


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request: pytest.FixtureRequest) -> EmbeddingModel:
    found: EmbeddingModel = request.param
    return found


@pytest.fixture(scope="module")
def encoder(model: EmbeddingModel) -> Encoder:
    return Encoder.of(model, cache_root())


@pytest.fixture(scope="module")
def multilingual() -> Encoder:
    return Encoder.of(DEFAULT, cache_root())


def test_similar_texts_have_similar_vectors(encoder: Encoder) -> None:
    texts = ["A man is eating food.", "A man eats something.", "The stock market fell today."]
    vectors = encoder.run(encoder.tokenize(texts))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_texts_of_two_languages_with_one_meaning_are_similar(multilingual: Encoder) -> None:
    texts = [
        "query: 서울에는 몇 명이 사나요?",
        "query: How many people live in Seoul?",
        "query: 김치는 어떻게 담그나요?",
    ]
    seoul, same, other = multilingual.run(multilingual.tokenize(texts))
    assert seoul @ same > seoul @ other + 0.05


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("two  spaces", "two spaces"),
        (" ends \n", "ends"),
        ("line\nbreak\tand tab", "line break and tab"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("한글", "한글"),
        ("a\x07bell", "abell"),
    ],
)
def test_multilingual_tokenizer_normalises_as_sentencepiece(
    multilingual: Encoder, text: str, same: str
) -> None:
    given, expected = multilingual.tokenize([text, same])
    assert given == expected


def test_multilingual_tokenizer_frames_a_text(multilingual: Encoder) -> None:
    (tokens,) = multilingual.tokenize(["Hello world"])
    assert tokens.ids == (0, 35378, 8999, 2)


def test_long_texts_are_truncated(encoder: Encoder, model: EmbeddingModel) -> None:
    (tokens,) = encoder.tokenize(["word " * 100_000])
    assert len(tokens) == model.max_tokens
    assert encoder.run([tokens]).shape == (1, WIDTH)


@pytest.mark.slow
def test_int8_is_close_to_full_precision(encoder: Encoder, model: EmbeddingModel, tmp_path: Path) -> None:
    model.write_model(tmp_path / "full.onnx", False)
    full = Encoder(tmp_path / "full.onnx", model.tokenizer_path(cache_root()), model.max_tokens)
    texts = [
        "What does asyncio.gather return?",
        "Return an iterator over the lines of a file, without their line ends.",
        "서울은 대한민국의 수도이다.",
        "The meeting was moved from Tuesday to Thursday because the room is being painted. " * 12,
    ]
    cosines = [float(full.run([tokens])[0] @ encoder.run([tokens])[0]) for tokens in encoder.tokenize(texts)]
    assert min(cosines) > 0.98
    assert sum(cosines) / len(cosines) > 0.99


def test_vector_of_a_text_is_deterministic(encoder: Encoder) -> None:
    (tokens,) = encoder.tokenize(["같은 질문"])
    assert np.array_equal(encoder.run([tokens]), encoder.run([tokens]))

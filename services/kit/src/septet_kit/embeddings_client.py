"""Embeddings through the OpenAI-compatible API: one code path from laptop to cluster."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray
from septet_contracts import Embedding

from septet_kit.embedding_models import TextKind, definition_of
from septet_kit.errors import Permanent, Transient
from septet_kit.observe import semconv
from septet_kit.observe.tracing import span
from septet_kit.openai_http import Endpoint, is_retryable
from septet_kit.settings import KitSettings

Vectors = NDArray[np.float32]

CACHED = 4096
"""Number of texts in the LRU cache of a client."""

_BATCH = 64
_TIMEOUT = aiohttp.ClientTimeout(total=20.0)
_DETAIL = 300


def as_embedding(model: str, vector: Vectors) -> Embedding:
    """A vector as events carry it."""
    return Embedding(model=model, packed=base64.b64encode(vector.astype("<f4").tobytes()).decode())


def prefixes_of(settings: KitSettings) -> dict[TextKind, str]:
    """The text before each kind of text: of the settings, else of the model's definition, else none."""
    known = definition_of(settings.embeddings_model)
    defined: dict[TextKind, str] = known.prefixes if known else {"question": "", "passage": ""}
    overrides: dict[TextKind, str | None] = {
        "question": settings.embeddings_question_prefix,
        "passage": settings.embeddings_passage_prefix,
    }
    return {**defined, **{kind: prefix for kind, prefix in overrides.items() if prefix is not None}}


class Embedder:
    """A client of an embeddings endpoint. Vectors are float32, L2-normalised, in the order of the texts.

    The client puts the model's prefix for the kind of text before each text. Settings override the prefixes of the
    model's definition; a model without a definition has none.

    An LRU cache holds ``cached`` texts, because a stage embeds the same sentences repeatedly; 4,096 vectors of 384
    dimensions take about 8 MB.
    """

    def __init__(self, settings: KitSettings, cached: int = CACHED) -> None:
        self.model = settings.embeddings_model
        known = definition_of(self.model)
        self.multilingual = known is not None and known.multilingual
        self._prefixes = prefixes_of(settings)
        self._endpoint = Endpoint(settings.embeddings_url, settings.embeddings_api_key.get_secret_value())
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._cached = cached

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Embed texts of one kind; returns an array of shape ``(len(texts), dimensions)``.

        Raises:
            Transient: the endpoint is down, busy or slow (code ``embeddings_unavailable``).
            Permanent: the endpoint refuses the request (code ``embeddings_rejected``).
        """
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return await self._embed([self._prefixes[kind] + text for text in texts])

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        found = {t: self._known[t] for t in texts if t in self._known}
        for text in found:
            self._known.move_to_end(text)
        missing = [t for t in dict.fromkeys(texts) if t not in found]
        batches = [missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH)]
        for batch, vectors in zip(batches, await asyncio.gather(*map(self._call, batches)), strict=True):
            found |= dict(zip(batch, vectors, strict=True))
        for text in missing:
            # A copy: a view would keep the vectors of the whole batch in memory.
            self._known[text] = found[text].copy()
            # A concurrent call may have added it.
            self._known.move_to_end(text)
        while len(self._known) > self._cached:
            self._known.popitem(last=False)
        return np.stack([found[t] for t in texts])

    async def _call(self, batch: list[str]) -> Vectors:
        attributes = {semconv.GEN_AI_OPERATION: "embeddings", semconv.GEN_AI_REQUEST_MODEL: self.model}
        with span(f"embeddings {self.model}", kind="client", **attributes) as current:
            answer = await self._post({"model": self.model, "input": batch, "encoding_format": "base64"})
            try:
                vectors = np.stack([_vector(item["embedding"]) for item in answer["data"]])
                if len(vectors) != len(batch):
                    raise ValueError(f"{len(vectors)} vectors for {len(batch)} texts")
                used = (answer.get("usage") or {}).get("prompt_tokens")
            except (TypeError, KeyError, ValueError, AttributeError) as error:
                raise Transient(
                    "embeddings_unavailable", f"embeddings: unexpected response: {error!r}"
                ) from error
            if used is not None:
                current.set_attribute(semconv.GEN_AI_INPUT_TOKENS, used)
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        unit: Vectors = (vectors / norms).astype(np.float32)
        return unit

    async def _post(self, body: dict[str, Any]) -> Any:
        data = json.dumps(body, ensure_ascii=False).encode()
        try:
            async with self._endpoint.post("/embeddings", data, _TIMEOUT) as response:
                content = await response.read()
            if response.status < 400:
                return json.loads(content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Transient("embeddings_unavailable", f"embeddings: {error!r}") from error
        message = f"embeddings: {response.status} {content.decode(errors='replace')[:_DETAIL]}"
        if is_retryable(response.status):
            raise Transient("embeddings_unavailable", message)
        raise Permanent(
            "embeddings_rejected",
            message,
            fix="check SEPTET_EMBEDDINGS_URL, SEPTET_EMBEDDINGS_MODEL and SEPTET_EMBEDDINGS_API_KEY",
        )

    async def close(self) -> None:
        """Close the client's connections."""
        await self._endpoint.close()


def _vector(embedding: str | Sequence[float]) -> Vectors:
    """Little-endian float32 in base64; an endpoint that does not know the format sends numbers."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4")
    return np.asarray(embedding, dtype=np.float32)

"""Embeddings through the OpenAI-compatible API: one code path from laptop to cluster."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import openai
from numpy.typing import NDArray

from septet_kit.errors import Permanent, Transient
from septet_kit.observe import semconv
from septet_kit.observe.tracing import span
from septet_kit.settings import KitSettings

Vectors = NDArray[np.float32]

_BATCH = 64
_TIMEOUT_S = 20.0


class Embedder:
    """A client of an embeddings endpoint. Vectors are float32, L2-normalised, in the order of the texts.

    The last ``remember`` texts are kept, because a stage asks for the same sentences again and again.
    """

    def __init__(self, settings: KitSettings, remember: int = 2048) -> None:
        self.model = settings.embeddings_model
        self._client = openai.AsyncOpenAI(
            base_url=settings.embeddings_url, api_key=settings.llm_api_key.get_secret_value(),
            max_retries=0, timeout=_TIMEOUT_S,
        )  # fmt: skip
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._remember = remember

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; returns an array of shape ``(len(texts), dimensions)``.

        Raises:
            Transient: the endpoint is down, busy or slow (code ``embeddings_unavailable``).
            Permanent: the endpoint refuses the request (code ``embeddings_rejected``).
        """
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        found = {t: self._known[t] for t in texts if t in self._known}
        missing = [t for t in dict.fromkeys(texts) if t not in found]
        batches = [missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH)]
        for batch, vectors in zip(batches, await asyncio.gather(*map(self._call, batches)), strict=True):
            found |= dict(zip(batch, vectors, strict=True))
        for text in missing:
            self._known[text] = found[text]
        while len(self._known) > self._remember:
            self._known.popitem(last=False)
        return np.stack([found[t] for t in texts])

    async def _call(self, batch: list[str]) -> Vectors:
        attributes = {semconv.GEN_AI_OPERATION: "embeddings", semconv.GEN_AI_REQUEST_MODEL: self.model}
        with span(f"embeddings {self.model}", kind="client", **attributes) as current:
            try:
                answer = await self._client.embeddings.create(model=self.model, input=batch)
            except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
                raise Transient("embeddings_unavailable", f"embeddings: {error}") from error
            except openai.APIStatusError as error:
                raise Permanent(
                    "embeddings_rejected", f"embeddings: {error.message}",
                    fix="check SEPTET_EMBEDDINGS_URL and SEPTET_EMBEDDINGS_MODEL",
                ) from error  # fmt: skip
            if answer.usage is not None:
                current.set_attribute(semconv.GEN_AI_INPUT_TOKENS, answer.usage.prompt_tokens)
        vectors = np.asarray([item.embedding for item in answer.data], dtype=np.float32)
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        unit: Vectors = (vectors / norms).astype(np.float32)
        return unit

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()

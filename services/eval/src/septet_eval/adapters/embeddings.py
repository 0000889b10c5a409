"""Answers' embeddings through the chassis' client, bounded in time and number."""

from __future__ import annotations

import asyncio

from septet_kit.errors import SeptetError
from septet_kit.models import Embedder
from septet_kit.observe.logs import get_logger

from septet_eval.domain.case import Vector

log = get_logger()


class AnswerVectors:
    """:class:`septet_eval.ports.Vectors`. Waiting for one's turn counts as time: overload sheds embeddings,
    never responses."""

    def __init__(self, embedder: Embedder, concurrency: int) -> None:
        self._embedder = embedder
        self._turns = asyncio.Semaphore(concurrency)

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        if model != self._embedder.model:
            return None
        try:
            async with asyncio.timeout(within), self._turns:
                vectors = await self._embedder.embed([text])
        except (SeptetError, TimeoutError) as error:
            log.info("answer not embedded", reason=str(error) or "too slow")
            return None
        vector: Vector = vectors[0]
        return vector

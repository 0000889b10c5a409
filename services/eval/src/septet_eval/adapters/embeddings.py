"""Answers' embeddings through the chassis' client: batched across requests, bounded in time and number."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field

from septet_kit import SeptetError
from septet_kit.embeddings_client import Embedder
from septet_kit.observe.logs import get_logger

from septet_eval.domain.case import Vector

log = get_logger()


@dataclass(frozen=True)
class _Wish:
    text: str
    result: asyncio.Future[Vector]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class AnswerVectors:
    """:class:`septet_eval.ports.Vectors`.

    Answers that wait while ``calls`` are in flight travel together, at most ``batch`` a call; the call's span
    is in the trace of the first of them. Waiting counts as time, and who has given up is not embedded any
    more: overload sheds embeddings, never responses.
    """

    def __init__(self, embedder: Embedder, calls: int, batch: int) -> None:
        self._embedder = embedder
        self._free = calls
        self._batch = batch
        self._waiting: list[_Wish] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        if model != self._embedder.model:
            return None
        wish = _Wish(text, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        self._fill()
        try:
            async with asyncio.timeout(within):
                return await wish.result
        except (SeptetError, TimeoutError) as error:
            log.info("answer not embedded", reason=str(error) or "too slow")
            return None

    def _fill(self) -> None:
        """Start calls while there are free ones and answers that somebody still waits for."""
        self._waiting = [w for w in self._waiting if not w.result.done()]
        while self._free and self._waiting:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            self._free -= 1
            task = asyncio.create_task(self._call(batch), context=batch[0].context)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        self._fill()

    async def _call(self, batch: list[_Wish]) -> None:
        try:
            vectors = await self._embedder.embed([w.text for w in batch])
        except Exception as error:
            for wish in batch:
                if not wish.result.done():
                    wish.result.set_exception(error)
            return
        for wish, vector in zip(batch, vectors, strict=True):
            if not wish.result.done():
                wish.result.set_result(vector)

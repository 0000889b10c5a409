"""Embeddings of answers: batched across requests, and bounded in time and number of calls."""

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
class _Waiting:
    """A text that waits for its vector, with the trace context of its request."""

    text: str
    result: asyncio.Future[Vector]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class AnswerVectors:
    """:class:`septet_eval.ports.Vectors` from the embeddings endpoint.

    At most ``calls`` calls run at the same time. Answers that wait meanwhile share the next call, at most ``batch`` of
    them; its span belongs to the trace of the first. The wait counts against the time limit, and an answer past its
    limit is not embedded. So overload drops embeddings and never responses.
    """

    def __init__(self, embedder: Embedder, calls: int, batch: int) -> None:
        self._embedder = embedder
        self._free = calls
        self._batch = batch
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        if model != self._embedder.model:
            return None
        waiting = _Waiting(text, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._start_calls()
        try:
            async with asyncio.timeout(within):
                return await waiting.result
        except (SeptetError, TimeoutError) as error:
            log.info("answer not embedded", reason=str(error) or "too slow")
            return None

    def _start_calls(self) -> None:
        """Start calls for the waiting answers, as far as calls are free. Answers past their limit are dropped."""
        self._waiting = [w for w in self._waiting if not w.result.done()]
        while self._free and self._waiting:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            self._free -= 1
            task = asyncio.create_task(self._call(batch), context=batch[0].context)
            self._tasks.add(task)
            task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        self._start_calls()

    async def _call(self, batch: list[_Waiting]) -> None:
        try:
            vectors = await self._embedder.embed([w.text for w in batch], "passage")
        except Exception as error:
            for waiting in batch:
                if not waiting.result.done():
                    waiting.result.set_exception(error)
            return
        for waiting, vector in zip(batch, vectors, strict=True):
            if not waiting.result.done():
                waiting.result.set_result(vector)

"""A queue that shares one encoder among many callers; short requests come first."""

from __future__ import annotations

import asyncio
import heapq
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from septet_native.models.encoder import Tokens

Vectors = npt.NDArray[np.float32]

# Limits of an interactive request, such as a question; more or longer texts are bulk work, such as ingestion.
INTERACTIVE_TEXTS, INTERACTIVE_TOKENS = 4, 64


class Overloaded(Exception):
    """The queue is full."""


class TextEncoder(Protocol):
    """The encoder that runs the batches."""

    def tokenize(self, texts: list[str]) -> list[Tokens]:
        """Token ids of each text."""
        ...

    def run(self, batch: list[Tokens]) -> Vectors:
        """Embed *batch*; returns one row per text."""
        ...


@dataclass(frozen=True)
class Embedded:
    """Vectors of one call, shape (texts, width), and the number of tokens."""

    vectors: Vectors
    tokens: int


@dataclass(order=True)
class _Job:
    """One text; ordered by urgency, then arrival."""

    bulk: bool
    sequence: int
    tokens: Tokens = field(compare=False)
    done: asyncio.Future[Vectors] = field(compare=False)


class Batcher:
    """Runs an encoder in worker threads, so that the event loop stays free.

    A free worker takes the next texts from the queue, interactive ones first, and does not wait for a batch to
    fill. Texts of a bulk request are queued by length, so that a batch needs little padding.

    Args:
        encoder: used by several threads at the same time.
        workers: number of batches that run at the same time.
        max_batch: texts of one batch. On a CPU, 1 is best: one text uses a core fully and needs no padding. Its int8
            activations are scaled without other texts, so that the same text always gets the same vector.
        max_queue: texts in the queue, over all callers.
    """

    def __init__(self, encoder: TextEncoder, workers: int, max_batch: int, max_queue: int) -> None:
        self._encoder = encoder
        self._workers = workers
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._heap: list[_Job] = []
        self._sequence = 0
        self._waiting = asyncio.Condition()
        # One thread more than workers, so that tokenising does not wait for a batch.
        self._threads = ThreadPoolExecutor(workers + 1, thread_name_prefix="encoder")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the workers on the running loop."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Stop the workers, and cancel the texts in the queue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._heap:
            job.done.cancel()
        self._heap.clear()
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    @property
    def depth(self) -> int:
        """Number of texts in the queue."""
        return len(self._heap)

    async def embed(self, texts: list[str]) -> Embedded:
        """Embed *texts*, in order.

        Raises:
            Overloaded: the queue has no room for all texts.
        """
        self._check_room(len(texts))
        loop = asyncio.get_running_loop()
        tokens = await loop.run_in_executor(self._threads, self._encoder.tokenize, texts)
        self._check_room(len(texts))
        bulk = len(texts) > INTERACTIVE_TEXTS or any(len(item) > INTERACTIVE_TOKENS for item in tokens)
        futures: list[asyncio.Future[Vectors]] = [loop.create_future() for _ in texts]
        for index in sorted(range(len(texts)), key=lambda i: len(tokens[i])):
            self._sequence += 1
            heapq.heappush(self._heap, _Job(bulk, self._sequence, tokens[index], futures[index]))
        async with self._waiting:
            self._waiting.notify(self._workers)
        rows = await asyncio.gather(*futures)
        return Embedded(np.stack(rows), sum(len(item) for item in tokens))

    def _check_room(self, wanted: int) -> None:
        if len(self._heap) + wanted > self._max_queue:
            raise Overloaded(f"the queue holds {len(self._heap)} texts")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._take()
            try:
                rows = await loop.run_in_executor(self._threads, self._encoder.run, [j.tokens for j in batch])
            except Exception as error:
                # The callers get the error; the worker continues.
                _fail(batch, error)
                continue
            for job, row in zip(batch, rows, strict=True):
                if not job.done.done():
                    job.done.set_result(row)

    async def _take(self) -> list[_Job]:
        """The next batch; it never mixes interactive and bulk texts, so that a question does not wait for a passage."""
        while True:
            async with self._waiting:
                await self._waiting.wait_for(lambda: bool(self._heap))
            batch: list[_Job] = []
            while self._heap and len(batch) < self._max_batch:
                if batch and self._heap[0].bulk != batch[0].bulk:
                    break
                job = heapq.heappop(self._heap)
                # The future of a cancelled caller is done.
                if not job.done.done():
                    batch.append(job)
            if batch:
                return batch


def _fail(batch: list[_Job], error: Exception) -> None:
    for job in batch:
        if not job.done.done():
            job.done.set_exception(error)

"""The models that a server has loaded, each with its own queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from septet_native.models.batcher import Batcher, TextEncoder


class ModelPool:
    """Loads a model at its first use, in a thread, and keeps it.

    Args:
        load: makes the encoder of a model by its name.
        workers, max_batch, max_queue: arguments of the ``Batcher`` of each model.
    """

    def __init__(
        self, load: Callable[[str], TextEncoder], workers: int, max_batch: int, max_queue: int
    ) -> None:
        self._load = load
        self._limits = (workers, max_batch, max_queue)
        self._loaded: dict[str, Batcher] = {}
        self._loading = asyncio.Lock()

    async def get(self, name: str) -> Batcher:
        """The queue of a model, which is loaded first if needed. Concurrent callers load it once.

        Raises:
            StackError: the files of the model could not be built.
        """
        if name in self._loaded:
            return self._loaded[name]
        async with self._loading:
            if name not in self._loaded:
                batcher = Batcher(await asyncio.to_thread(self._load, name), *self._limits)
                batcher.start()
                self._loaded[name] = batcher
        return self._loaded[name]

    @property
    def depth(self) -> int:
        """Number of texts in all queues."""
        return sum(batcher.depth for batcher in self._loaded.values())

    async def stop(self) -> None:
        """Stop the workers of all models."""
        for batcher in self._loaded.values():
            await batcher.stop()

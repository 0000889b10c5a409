"""The servers that are Python processes of ours: embeddings, language model, traces."""

from __future__ import annotations

import asyncio
import os
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta

from septet_native import minilm, smollm
from septet_native.health import http_probe
from septet_native.process import Command
from septet_native.server import Places, Say


@dataclass(frozen=True)
class Module(ABC):
    """A server run as ``python -m module``; the parts that all three share."""

    places: Places
    port: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Short unique name."""

    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """Module and arguments of its own."""

    async def prepare(self, say: Say) -> None:  # noqa: B027 - most have nothing to do
        """Nothing by default."""

    def command(self) -> Command:
        """The interpreter of this process on the module."""
        own = self.arguments()
        return Command(
            name=self.name,
            argv=(sys.executable, "-m", *own, "--port", str(self.port), "--follow-parent"),
            log=self.places.logs / f"{self.name}.log",
            env={**os.environ, "OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1"},
            grace=timedelta(seconds=5),
        )

    async def probe(self) -> bool:
        """Whether its health address answers."""
        return await http_probe(self.port, "/healthz")()

    async def finish(self) -> None:  # noqa: B027 - most have nothing to do
        """Nothing is left to do on the running server."""


@dataclass(frozen=True)
class EmbeddingsServer(Module):
    """MiniLM on onnxruntime."""

    workers: int = 2

    @property
    def name(self) -> str:
        """Short unique name."""
        return "embeddings"

    async def prepare(self, say: Say) -> None:
        """Build the model's file on the first start."""
        if not minilm.model_path(self.places.cache).exists():
            say("building the embedding model")
        await asyncio.to_thread(minilm.ensure_model, self.places.cache)

    def arguments(self) -> tuple[str, ...]:
        """Where the built model is, and how many workers run it."""
        cache = str(self.places.cache)
        return ("septet_native.embeddings", "--cache", cache, "--workers", str(self.workers))


@dataclass(frozen=True)
class LanguageModel(Module):
    """SmolLM2 on llama.cpp."""

    slots: int = 2
    context: int = 2048
    threads: int = 2

    @property
    def name(self) -> str:
        """Short unique name."""
        return "llm"

    async def prepare(self, say: Say) -> None:
        """Re-encode the model's file on the first start."""
        if not smollm.model_path(self.places.cache).exists():
            say("re-encoding the language model")
        await asyncio.to_thread(smollm.ensure_model, self.places.cache)

    def arguments(self) -> tuple[str, ...]:
        """Where the model is, and the shape of its work."""
        numbers = {"--slots": self.slots, "--context": self.context, "--threads": self.threads}
        flat = (part for pair in numbers.items() for part in map(str, pair))
        return ("septet_native.llm", "--cache", str(self.places.cache), *flat)

    async def probe(self) -> bool:
        """llama.cpp answers 503 here until the model is loaded."""
        return await http_probe(self.port, "/health")()


@dataclass(frozen=True)
class TracesServer(Module):
    """The OTLP receiver and its page."""

    max_traces: int = 5000

    @property
    def name(self) -> str:
        """Short unique name."""
        return "traces"

    def arguments(self) -> tuple[str, ...]:
        """Where the traces are kept."""
        data = self.places.data / "traces" / "traces.sqlite"
        return ("septet_native.traces", "--data", str(data), "--max-traces", str(self.max_traces))

"""The servers of this package, which run as Python modules: embeddings, language model, traces."""

from __future__ import annotations

import asyncio
import os
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta

from septet_native.models import smollm
from septet_native.models.build import DEFAULT
from septet_native.models.embedding_model import EmbeddingModel
from septet_native.processes.health import http_probe
from septet_native.processes.process import Command
from septet_native.servers.server import Places, Report


@dataclass(frozen=True)
class PythonServer(ABC):
    """A server that runs as ``python -m MODULE``."""

    places: Places
    port: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Short unique name."""

    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """The module, and the arguments of this server."""

    async def prepare(self, report: Report) -> None:  # noqa: B027 - most servers prepare nothing
        """Do nothing by default."""

    def command(self) -> Command:
        """The module on the interpreter of this process."""
        own = self.arguments()
        return Command(
            name=self.name,
            argv=(sys.executable, "-m", *own, "--port", str(self.port), "--follow-parent"),
            log=self.places.logs / f"{self.name}.log",
            env={**os.environ, "OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1"},
            grace=timedelta(seconds=5),
        )

    async def probe(self) -> bool:
        """Whether ``GET /healthz`` returns status 200."""
        return await http_probe(self.port, "/healthz")()

    async def finish(self) -> None:  # noqa: B027 - most servers need no initialisation
        """Do nothing by default."""


@dataclass(frozen=True)
class EmbeddingsServer(PythonServer):
    """Embedding models on onnxruntime; ``model`` is loaded at the start."""

    workers: int = 2
    model: EmbeddingModel = DEFAULT

    @property
    def name(self) -> str:
        """Short unique name."""
        return "embeddings"

    async def prepare(self, report: Report) -> None:
        """Build the model file on the first start."""
        if not self.model.is_built(self.places.cache):
            report("building the embedding model")
        await asyncio.to_thread(self.model.ensure, self.places.cache)

    def arguments(self) -> tuple[str, ...]:
        """The model, the directory of its files, and number of workers."""
        values = {"--model": self.model.name, "--cache": self.places.cache, "--workers": self.workers}
        flat = (part for pair in values.items() for part in map(str, pair))
        return ("septet_native.models.embeddings", *flat)


@dataclass(frozen=True)
class LanguageModel(PythonServer):
    """SmolLM2 on llama.cpp."""

    slots: int = 2
    context: int = 2048
    threads: int = 2

    @property
    def name(self) -> str:
        """Short unique name."""
        return "llm"

    async def prepare(self, report: Report) -> None:
        """Re-encode the model file on the first start."""
        if not smollm.model_path(self.places.cache).exists():
            report("re-encoding the language model")
        await asyncio.to_thread(smollm.ensure_model, self.places.cache)

    def arguments(self) -> tuple[str, ...]:
        """Directory of the model file, and the limits of the server."""
        numbers = {"--slots": self.slots, "--context": self.context, "--threads": self.threads}
        flat = (part for pair in numbers.items() for part in map(str, pair))
        return ("septet_native.models.llm", "--cache", str(self.places.cache), *flat)

    async def probe(self) -> bool:
        """Whether the model is loaded: llama.cpp answers with status 503 before."""
        return await http_probe(self.port, "/health")()


@dataclass(frozen=True)
class TracesServer(PythonServer):
    """The OTLP receiver and the trace page."""

    max_traces: int = 5000

    @property
    def name(self) -> str:
        """Short unique name."""
        return "traces"

    def arguments(self) -> tuple[str, ...]:
        """Path of the database, and number of traces to keep."""
        data = self.places.data / "traces" / "traces.sqlite"
        return ("septet_native.traces", "--data", str(data), "--max-traces", str(self.max_traces))

"""Searches data sets in-process with the code of the service.

Reads the sets in place from ``SEPTET_DATA`` (default: ``../shared/data`` beside the repository).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_cli.bench.datasets import DataSet, load_dataset
from septet_retrieval import in_process
from septet_retrieval.application.examples import TENANT
from septet_retrieval.domain.passages import Document
from septet_retrieval.in_process import Engine
from septet_retrieval.settings import RetrievalSettings

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder


def data_set(name: str) -> DataSet | None:
    """The set ``name``; if it is missing, print a line and return ``None``."""
    folder = data_dir() / name
    if not folder.is_dir():
        print(f"skipped: {name} ({folder} is missing)")
        return None
    return load_dataset(folder)


@asynccontextmanager
async def engine(data: DataSet, settings: RetrievalSettings, encoder: CachedEncoder) -> AsyncIterator[Engine]:
    """Chunk, embed and index a set."""
    documents = (
        Document(tenant=TENANT, document_id=d.document_id, text=d.text, title=d.title) for d in data.documents
    )
    async with in_process.engine(TENANT, documents, settings, encoder) as searched:
        yield searched

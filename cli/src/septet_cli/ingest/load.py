"""Reads the documents of all sources of one ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from septet_readers import Readers

from septet_cli.console import progress
from septet_cli.ingest.document import Document, Problem, parts
from septet_cli.ingest.files import SourceFile, find_files, load_files, processes
from septet_cli.ingest.python_docs import PREFIX, load_modules


@dataclass
class Source:
    """What was read of one source.

    Attributes:
        documents: documents, divided into parts that fit a record.
        problems: files and lines that could not be read.
        files: ids of whole files by resolved path.
    """

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


async def load_sources(
    sources: Sequence[str], prefix: str | None = None, known: Mapping[str, str] | None = None
) -> dict[str, Source]:
    """What was read, by source.

    Args:
        sources: files, folders and ``python:MODULE``.
        prefix: prefix of the ids.
        known: ids of files by resolved path, which they keep.

    Raises:
        CliError: a source does not exist, or holds no document.
    """
    ids = dict(known or {})
    found: dict[str, list[SourceFile]] = {}
    for source in sources:
        if not source.startswith(PREFIX):
            found[source] = find_files(Path(source), prefix, ids)
            ids |= {str(file.path.resolve()): file.document_id for file in found[source]}
    async with Readers(processes=processes()) as readers:
        with progress() as bar:
            task = bar.add_task("reading files", total=sum(map(len, found.values())), visible=bool(found))
            loaded = {}
            for source in sources:
                loaded[source] = _modules(source) if source.startswith(PREFIX) else Source()
                async for file, items in load_files(found.get(source, []), readers):
                    _add(loaded[source], file, items)
                    bar.advance(task)
    return loaded


def _modules(source: str) -> Source:
    documents = load_modules(source.removeprefix(PREFIX))
    return Source([part for document in documents for part in parts(document)])


def _add(source: Source, file: SourceFile, items: Sequence[Document | Problem]) -> None:
    source.problems += [item for item in items if isinstance(item, Problem)]
    for document in (item for item in items if isinstance(item, Document)):
        source.documents += parts(document)
        if document.document_id == file.document_id:
            source.files[str(file.path.resolve())] = file.document_id

"""Finds the files of a source and reads their documents."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from septet_readers import Readers, Unreadable

from septet_cli.errors import CliError
from septet_cli.ingest.document import Document, Loaded, Problem
from septet_cli.ingest.jsonl import load_jsonl

_DOCUMENTS = (
    ".md .markdown .txt .rst .text .html .htm .xhtml .pdf .docx .pptx .xlsx .csv .tsv .epub .eml .ipynb"
)
_CODE = ".py .js .mjs .ts .tsx .jsx .java .kt .go .rs .c .h .cc .cpp .hpp .cs .rb .php .swift .scala .sh .sql .r .lua"
ROWS = frozenset({".jsonl", ".ndjson"})
KNOWN = frozenset({*_DOCUMENTS.split(), *_CODE.split(), *ROWS})
"""Endings of the files that a folder's ingest reads. A file that is named is read whatever its ending."""
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "site-packages"}
LOW_CONFIDENCE = 0.8


@dataclass(frozen=True)
class SourceFile:
    """A file and the id of the document that is the whole file."""

    path: Path
    document_id: str


def find_files(
    path: Path, prefix: str | None = None, known: Mapping[str, str] | None = None
) -> list[SourceFile]:
    """The file, or all files of known types below a folder, ordered by path.

    The id of a file is that of ``known``, the ids by resolved path of earlier ingests. A new file gets the path below
    the folder's name, also when it is given alone. So a file is one document, whichever way it is given.

    Args:
        path: file or folder.
        prefix: prefix of the document ids, in the place of the folder's name and of known ids.
        known: ids by resolved path.

    Raises:
        CliError: the path does not exist, or the folder holds no file of a known type.
    """
    if not path.exists():
        raise CliError(f"{path} does not exist.", "give a file, a folder, or python:MODULE")
    folder = path if path.is_dir() else path.parent
    base = folder.resolve().name if prefix is None else prefix
    files = [path] if path.is_file() else [f for f in sorted(path.rglob("*")) if _is_readable(f, path)]
    if not files:
        kinds = " ".join(sorted(KNOWN))
        raise CliError(f"{path} holds no documents.", f"add files of these types: {kinds}")
    ids = known if known is not None and prefix is None else {}
    found = []
    for file in files:
        relative = file.relative_to(folder).as_posix()
        new = f"{base}/{relative}" if base else relative
        found.append(SourceFile(file, ids.get(str(file.resolve()), new)))
    return found


def _is_readable(file: Path, root: Path) -> bool:
    folders = file.relative_to(root).parts[:-1]
    hidden = any(p.startswith(".") or p in SKIPPED_FOLDERS for p in folders) or file.name.startswith(".")
    return file.is_file() and not hidden and file.suffix.lower() in KNOWN


async def load_files(
    files: Iterable[SourceFile], readers: Readers
) -> AsyncIterator[tuple[SourceFile, list[Loaded]]]:
    """The documents and problems of each file, in the order of the files. Several are read at the same time."""
    ahead: deque[tuple[SourceFile, asyncio.Task[list[Loaded]]]] = deque()
    try:
        for file in files:
            ahead.append((file, asyncio.create_task(_load(file, readers))))
            if len(ahead) > 2 * processes():
                first, task = ahead.popleft()
                yield first, await task
        while ahead:
            first, task = ahead.popleft()
            yield first, await task
    finally:
        for _, task in ahead:
            task.cancel()
        await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)


def processes() -> int:
    """Number of processes that read files: one for each core that this process may use, at most 4."""
    return min(4, len(os.sched_getaffinity(0)))


async def _load(file: SourceFile, readers: Readers) -> list[Loaded]:
    try:
        if file.path.suffix.lower() in ROWS:
            return await asyncio.to_thread(lambda: list(load_jsonl(file.path, file.document_id)))
        data = await asyncio.to_thread(file.path.read_bytes)
    except OSError as error:
        return [Problem(str(file.path), error.strerror or str(error))]
    try:
        content = await readers.read(data, file.path.name)
    except Unreadable as error:
        return [Problem(str(file.path), f"{error}; {error.fix}" if error.fix else str(error))]
    notes = [*content.warnings]
    if content.confidence < LOW_CONFIDENCE:
        notes.append(f"its encoding is probably {content.encoding} (confidence {content.confidence})")
    return [
        Document(
            file.document_id,
            content.text,
            content.title or file.path.stem,
            str(file.path),
            content.media_type,
            warnings=tuple(notes),
        )
    ]

"""Loads documents from Markdown, text, HTML and JSONL files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bs4 import BeautifulSoup

from septet_cli.errors import CliError
from septet_cli.ingest.document import Document, Loaded, MediaType, Problem
from septet_cli.ingest.jsonl import load_jsonl

MEDIA_TYPES: dict[str, MediaType] = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".rst": "text/plain",
    ".text": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
}
READERS: Mapping[str, Callable[[Path, str], Iterator[Loaded]]] = {
    ".jsonl": load_jsonl,
    ".ndjson": load_jsonl,
}
"""Readers by file ending. They get the file and the id of a document that is the whole file."""

KNOWN = frozenset({*MEDIA_TYPES, *READERS})
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "site-packages"}


def load_path(path: Path, prefix: str | None = None) -> Iterator[Loaded]:
    """Documents of a file, or of all files of known types below a folder, ordered by path.

    Args:
        path: file or folder.
        prefix: prefix of the document ids; by default the name of the folder.

    Raises:
        CliError: the path does not exist, or the folder holds no file of a known type.
    """
    if not path.exists():
        raise CliError(f"{path} does not exist.", "give a file, a folder, or python:MODULE")
    if path.is_file():
        yield from _load_file(path, prefix + "/" + path.name if prefix else path.name)
        return
    base = path.resolve().name if prefix is None else prefix
    files = [f for f in sorted(path.rglob("*")) if _is_readable(f, path)]
    if not files:
        kinds = " ".join(sorted(KNOWN))
        raise CliError(f"{path} holds no documents.", f"add files of these types: {kinds}")
    for file in files:
        relative = file.relative_to(path).as_posix()
        yield from _load_file(file, f"{base}/{relative}" if base else relative)


def _is_readable(file: Path, root: Path) -> bool:
    folders = file.relative_to(root).parts[:-1]
    hidden = any(p.startswith(".") or p in SKIPPED_FOLDERS for p in folders) or file.name.startswith(".")
    return file.is_file() and not hidden and file.suffix.lower() in KNOWN


def _load_file(file: Path, document_id: str) -> Iterator[Loaded]:
    read = READERS.get(file.suffix.lower(), _load_text)
    try:
        yield from read(file, document_id)
    except OSError as error:
        yield Problem(str(file), error.strerror or str(error))


def _load_text(file: Path, document_id: str) -> Iterator[Loaded]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        yield Problem(str(file), f"not UTF-8 (byte {error.start}); convert it to UTF-8")
        return
    if not text.strip():
        yield Problem(str(file), "the file is empty")
        return
    media_type = MEDIA_TYPES.get(file.suffix.lower(), "text/plain")
    yield Document(document_id, text, _title(text, media_type) or file.stem, str(file), media_type)


def _title(text: str, media_type: MediaType) -> str:
    if media_type == "text/html":
        soup = BeautifulSoup(text, "html.parser")
        found = soup.title or soup.find("h1")
        return found.get_text(" ", strip=True) if found else ""
    if media_type == "text/markdown":
        lines = (line.strip() for line in text.splitlines())
        return next((line[2:].strip() for line in lines if line.startswith("# ")), "")
    return ""

"""Loads documents from JSONL files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from septet_cli.ingest.document import Document, Loaded, Problem

ID_FIELDS = ("id", "_id", "document_id", "doc_id", "docid")
TEXT_FIELDS = ("text", "content", "contents", "body", "passage")
TITLE_FIELDS = ("title", "heading", "name")
URI_FIELDS = ("uri", "url", "link", "source")


def load_jsonl(file: Path, document_id: str) -> Iterator[Loaded]:
    """One document per line; a malformed line gives a problem with its line number.

    A line without an id gets the id ``FILE#N``. Fields are read by their common names.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"{file}:{number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Problem(where, f"not JSON: {error}")
                continue
            yield _document(row, where, f"{document_id}#{number}")


def _document(row: Any, where: str, default_id: str) -> Loaded:
    if not isinstance(row, dict):
        return Problem(where, "not a JSON object")
    text = first_text(row, TEXT_FIELDS)
    if not text:
        return Problem(where, f"no text; add one of the fields {', '.join(TEXT_FIELDS)}")
    name = first_text(row, ID_FIELDS) or default_id
    if len(name) > 512:
        return Problem(where, f"the id has {len(name)} characters; the limit is 512")
    return Document(name, text, first_text(row, TITLE_FIELDS), first_text(row, URI_FIELDS))


def first_text(row: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first field with a text or an integer, as text; empty if there is none."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""

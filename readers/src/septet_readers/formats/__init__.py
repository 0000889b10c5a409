"""Readers by type of file. Each gets the bytes, the name and the limits, and returns the content."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from septet_readers.content import Content
from septet_readers.limits import Limits

Read = Callable[[bytes, str, Limits], Content]

_MODULES = {
    "text": "text",
    "markdown": "text",
    "html": "html",
    "csv": "tables",
    "xlsx": "tables",
    "pdf": "pdf",
    "docx": "office",
    "pptx": "office",
    "epub": "epub",
    "email": "mail",
    "notebook": "notebook",
}
KINDS = frozenset(_MODULES)


def reader_of(kind: str) -> Read:
    """The reader of a type. The import loads its library."""
    read: Read = getattr(import_module(f"septet_readers.formats.{_MODULES[kind]}"), f"read_{kind}")
    return read

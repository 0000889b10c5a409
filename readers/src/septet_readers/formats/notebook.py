"""Jupyter notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from septet_readers.content import Content, Unreadable
from septet_readers.decoding import decode
from septet_readers.limits import Limits

_LONGEST_OUTPUT = 4_000


def read_notebook(data: bytes, name: str, limits: Limits) -> Content:
    """Cells in order: text as Markdown, code and the text of its output in fences."""
    try:
        notebook = json.loads(decode(data).text)
        parts = [part for cell in notebook["cells"] for part in _cell(cell, _language(notebook))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(
            f"it is no notebook: {type(error).__name__}: {error}", "save it with Jupyter 4 or newer"
        ) from error
    text = "\n\n".join(parts)
    title = next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")
    return Content(text, "text/markdown", "notebook", title)


def _language(notebook: dict[str, Any]) -> str:
    return str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", ""))


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _joined(cell.get("source", ""))
    if not source.strip():
        return
    if cell.get("cell_type") != "code":
        yield source
        return
    yield _fenced(source, language)
    for output in cell.get("outputs", []):
        shown = _joined(output.get("text") or output.get("data", {}).get("text/plain", ""))
        if shown.strip():
            yield _fenced(shown[:_LONGEST_OUTPUT], "")


def _fenced(text: str, language: str) -> str:
    # A longer fence than any inside the text.
    fence = "`" * max(
        3, 1 + max((len(line) - len(line.lstrip("`")) for line in text.splitlines()), default=0)
    )
    return f"{fence}{language}\n{text}\n{fence}"


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)

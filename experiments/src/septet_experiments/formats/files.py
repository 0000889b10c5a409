"""Reading and writing JSON files, with errors that name file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from septet_experiments.errors import InvalidSuite


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        InvalidSuite: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidSuite(f"{path}: {error.strerror}", "give the path of a file that exists") from error
    except UnicodeDecodeError as error:
        raise InvalidSuite(f"{path}: not UTF-8", "save the file as UTF-8") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        InvalidSuite: it is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise InvalidSuite(f"{path}: not JSON: {error}", "correct the file") from error


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and value of each object: the items of a JSON array, or the lines of a JSONL file.

    Raises:
        InvalidSuite: the file is neither.
    """
    items: Iterator[tuple[str, Any]]
    if read_text(path).lstrip().startswith("["):
        items = ((f"{path}: item {number}", item) for number, item in enumerate(read_json(path), start=1))
    else:
        items = _lines(path)
    for where, item in items:
        if not isinstance(item, dict):
            raise InvalidSuite(f"{where}: not an object", "write one JSON object for each case")
        yield where, item


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except ValueError as error:
                raise InvalidSuite(f"{path}:{number}: not JSON: {error}", "correct the line") from error


def field(where: str, item: dict[str, Any], name: str, kind: type) -> Any:
    """A required field.

    Raises:
        InvalidSuite: it is missing or of another type.
    """
    value = item.get(name)
    if not isinstance(value, kind):
        raise InvalidSuite(f"{where}: {name}: missing or not {kind.__name__}", f"add `{name}`")
    return value


def write_json(path: Path, value: Any) -> None:
    """Write a value, indented; the folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_lines(path: Path, items: Iterable[BaseModel | dict[str, Any]]) -> int:
    """Write one JSON object a line; returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        item.model_dump_json(exclude_defaults=True)
        if isinstance(item, BaseModel)
        else json.dumps(item, ensure_ascii=False)
        for item in items
    ]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


class Ids:
    """Unique ids of cases: the given one, or one derived from the content."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._given: dict[str, int] = {}

    def of(self, *content: str) -> str:
        """An id derived from *content*. Equal contents get a number."""
        digest = hashlib.sha256("\x1f".join(content).encode()).hexdigest()[:12]
        return self.unique(f"{self._prefix}-{digest}")

    def unique(self, name: str) -> str:
        """*name*, with a number if it was given before."""
        count = self._given[name] = self._given.get(name, 0) + 1
        return name if count == 1 else f"{name}-{count}"

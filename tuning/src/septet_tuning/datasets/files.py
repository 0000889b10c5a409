"""Reads rows from the operator's own JSONL files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from septet_tuning.errors import InvalidDataset
from septet_tuning.rows import AnyRow, Kind

_ROW: TypeAdapter[AnyRow] = TypeAdapter(AnyRow)


def read_rows(path: Path, kind: Kind) -> list[AnyRow]:
    """The rows of a file; ``id``, ``kind`` and ``origin`` may be left out.

    The source of every row is ``file``, whatever the file says: such rows have no user whose weight is capped.

    Raises:
        InvalidDataset: the file cannot be read, or a line is no row of this kind.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}") from error
    # `str.splitlines` would split texts at U+0085 and U+2028.
    lines = enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    return [_read_row(f"{path}:{number}", line, kind) for number, line in lines if line.strip()]


def _read_row(where: str, line: bytes, kind: Kind) -> AnyRow:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise InvalidDataset(f"{where}: no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidDataset(f"{where}: not an object")
    origin = fields.get("origin")
    made = {"id": hashlib.sha256(line.strip()).hexdigest()[:24], "kind": kind, **fields}
    made["origin"] = {**(origin if isinstance(origin, dict) else {}), "source": "file"}
    try:
        row = _ROW.validate_python(made, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise InvalidDataset(f"{where}: {place}: {first['msg']}") from error
    if row.kind != kind:
        raise InvalidDataset(f"{where}: kind {row.kind}, and the dataset has {kind}")
    return row

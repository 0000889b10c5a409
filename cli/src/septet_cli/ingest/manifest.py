"""Document ids of the last ingest of a source: to find removed documents, and to keep the ids of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_FOLDER = "ingested"


class Manifest:
    """Document ids of one tenant and source, in a file below the data directory."""

    def __init__(self, data_dir: Path, tenant: str, source: str) -> None:
        digest = hashlib.sha256(f"{tenant}\x1f{source}".encode()).hexdigest()[:24]
        self._path = data_dir / _FOLDER / f"{digest}.json"
        self._about = {"tenant": tenant, "source": source}

    def read(self) -> set[str]:
        """Ids of the last ingest; empty before the first."""
        return set(_read(self._path).get("document_ids", ()))

    def write(self, document_ids: Iterable[str], files: Mapping[str, str] | None = None) -> None:
        """Store the ids of this ingest, and those of its files by resolved path."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = {**self._about, "document_ids": sorted(document_ids), "files": dict(files or {})}
        replacement = self._path.with_suffix(".tmp")
        replacement.write_text(json.dumps(body, ensure_ascii=False, indent=0), encoding="utf-8")
        replacement.replace(self._path)


def known_files(data_dir: Path, tenant: str) -> dict[str, str]:
    """Ids by resolved path of all files that were ingested for a tenant; the oldest id of a file counts."""
    paths = sorted((data_dir / _FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    found: dict[str, str] = {}
    for body in map(_read, paths):
        if body.get("tenant") == tenant:
            found |= body.get("files", {})
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return body

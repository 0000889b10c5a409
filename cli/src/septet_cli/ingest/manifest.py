"""Document ids of the last ingest of a source, to find documents that were removed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


class Manifest:
    """Document ids of one tenant and source, in a file below the data directory."""

    def __init__(self, data_dir: Path, tenant: str, source: str) -> None:
        digest = hashlib.sha256(f"{tenant}\x1f{source}".encode()).hexdigest()[:24]
        self._path = data_dir / "ingested" / f"{digest}.json"
        self._source = source

    def read(self) -> set[str]:
        """Ids of the last ingest; empty before the first."""
        try:
            return set(json.loads(self._path.read_text(encoding="utf-8"))["document_ids"])
        except FileNotFoundError:
            return set()

    def write(self, document_ids: Iterable[str]) -> None:
        """Store the ids of this ingest."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = {"source": self._source, "document_ids": sorted(document_ids)}
        replacement = self._path.with_suffix(".tmp")
        replacement.write_text(json.dumps(body, ensure_ascii=False, indent=0), encoding="utf-8")
        replacement.replace(self._path)

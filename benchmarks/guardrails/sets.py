"""Readers of the public data sets of the guardrail benchmarks.

Reads the sets in place from ``SEPTET_DATA`` (default: ``../shared/data`` beside the repository). A benchmark skips a
missing set and prints its name.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from benchmarks.data import data_dir

RESULTS = Path(__file__).parent / "results"


def rows(name: str) -> list[dict[str, Any]]:
    """Rows of ``<set>/<file>`` (without ``.jsonl``); if it is missing, print a line and return none."""
    path = data_dir() / f"{name}.jsonl"
    if not path.exists():
        print(f"skipped: {name} ({path} is missing)")
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def part(key: str) -> str:
    """Part ``a`` (tuning) or ``b`` (checking) of a row, half each, by the checksum of its id."""
    return "a" if zlib.crc32(f"part {key}".encode()) % 2 == 0 else "b"


def save(name: str, body: dict[str, Any]) -> None:
    """Write ``results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(body, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)

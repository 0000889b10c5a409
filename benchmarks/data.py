"""Folder of the public data sets that the benchmarks read in place."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def data_dir() -> Path:
    """``SEPTET_DATA``, by default ``../shared/data`` beside the repository."""
    return Path(os.environ.get("SEPTET_DATA", ROOT.parent / "shared" / "data"))

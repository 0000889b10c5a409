"""Question pairs with the same or different meanings, and their embeddings.

Reads the sets in place from ``SEPTET_DATA`` (default: ``../shared/data`` beside the repository).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_native.models import minilm
from septet_native.models.encoder import Encoder

from benchmarks.data import data_dir

Vectors = Mapping[str, NDArray[np.float32]]

EMBEDDINGS_MODEL = "all-MiniLM-L6-v2"
SETS = {
    "qqp": "qqp_a/pairs.jsonl",
    "paws_en": "pawsx_a/pairs_en.jsonl",
    "korean_question_pair": "korean_question_pair/pairs.jsonl",
    "paws_ko": "pawsx_a/pairs_ko.jsonl",
    "banking77": "banking77/test.jsonl",
}


@dataclass(frozen=True)
class Pair:
    """Two texts; ``same`` if annotators gave them the same meaning. ``training`` selects half of each set by id."""

    set: str
    id: str
    left: str
    right: str
    same: bool

    @property
    def training(self) -> bool:
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 0


def load(name: str, vectors: Vectors | None = None) -> list[Pair]:
    """Read a set; ``banking77`` pairs similar questions of different intents and needs ``vectors``."""
    rows = [json.loads(line) for line in _lines(data_dir() / SETS[name])]
    if name == "banking77":
        return list(_near_other_intents(rows, vectors or {}))
    label = "paraphrase" if "paraphrase" in rows[0] else "duplicate"
    return [Pair(name, r["id"], r["text_a"], r["text_b"], bool(r[label])) for r in rows]


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def _near_other_intents(rows: list[dict[str, str]], vectors: Vectors) -> Iterator[Pair]:
    """Each question with the most similar question of another intent."""
    matrix = np.stack([vectors[r["text"]] for r in rows])
    intents = np.asarray([r["label"] for r in rows])
    for i, row in enumerate(rows):
        similarity = np.where(intents == row["label"], -1.0, matrix @ matrix[i])
        j = int(similarity.argmax())
        yield Pair("banking77", row["id"], row["text"], rows[j]["text"], same=False)


def texts(names: list[str]) -> list[str]:
    """Distinct texts of the named sets, shortest first, so that batches need little padding."""
    found: set[str] = set()
    for name in names:
        for line in _lines(data_dir() / SETS[name]):
            row = json.loads(line)
            found |= {row[k] for k in ("text", "text_a", "text_b") if k in row}
    return sorted(found, key=lambda t: (len(t), t))


def embed(names: list[str], cache: Path, batch: int = 32) -> dict[str, NDArray[np.float32]]:
    """Embed the texts of the named sets with the model of the embedded stack (int8 MiniLM).

    Stores the vectors in ``cache`` under a hash of the texts and the model's recipe. The first run takes about two
    minutes on one core.
    """
    wanted = texts(names)
    name = hashlib.sha256(json.dumps([minilm.RECIPE, *wanted]).encode()).hexdigest()[:16]
    file = cache / f"{name}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        encoder = Encoder(minilm.ensure_model(cache), minilm.tokenizer_file())
        bounds = [*range(0, len(wanted), batch), len(wanted)]
        np.save(
            file, np.concatenate([encoder.run(encoder.tokenize(wanted[i:j])) for i, j in pairwise(bounds)])
        )
    return dict(zip(wanted, np.load(file), strict=True))

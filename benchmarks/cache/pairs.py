"""Question pairs with the same or different meanings, and their embeddings.

Reads the sets in place from ``SEPTET_DATA`` (default: ``../shared/data`` beside the repository).
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_cache.domain.fit_classifier import Pair, Vectors
from septet_cache.domain.normalise import normal_form
from septet_native.models.build import DEFAULT

from benchmarks.data import data_dir
from benchmarks.encoder import CachedEncoder

EMBEDDINGS_MODEL = DEFAULT.name
SETS = {
    "qqp": "qqp_a/pairs.jsonl",
    "paws_en": "pawsx_a/pairs_en.jsonl",
    "korean_question_pair": "korean_question_pair/pairs.jsonl",
    "paws_ko": "pawsx_a/pairs_ko.jsonl",
    "banking77": "banking77/test.jsonl",
    "clinc150": "clinc150_small/test.jsonl",
    "tydiqa_en": "tydiqa_goldp_en/questions.jsonl",
    "tydiqa_ko": "tydiqa_goldp_ko/questions.jsonl",
}
HANDMADE_FOLDER = Path(__file__).parent / "handmade"
#: Hand-made support questions: paraphrases and minimal pairs, by language and half.
HANDMADE = {
    f"handmade_{language}_{half}": (language, half)
    for language in ("ko", "en")
    for half in ("test", "development")
}
LANGUAGES = {name: "ko" if "ko" in name else "en" for name in (*SETS, *HANDMADE)}
#: Sets of single questions: the field of the text, and the field that differs between questions with other answers.
NEAREST = {
    "banking77": ("text", "label"),
    "clinc150": ("text", "label"),
    "tydiqa_en": ("question", "context_id"),
    "tydiqa_ko": ("question", "context_id"),
}
MAX_QUESTIONS = 1500


def load(name: str, vectors: Vectors) -> list[Pair]:
    """Read a set without the pairs of equal normal forms, which are exact hits.

    A set in ``NEAREST`` pairs each question with the nearest one of another intent or passage. Pairs in
    ``handmade/same_questions.tsv`` are left out: a reader found that they ask the same question.
    """
    if name in NEAREST:
        same = _same_questions(name)
        found = [p for p in _nearest_others(name, vectors) if p.id not in same]
    else:
        rows = _rows(name)
        label = "paraphrase" if "paraphrase" in rows[0] else "duplicate"
        found = [Pair(name, r["id"], r["text_a"], r["text_b"], bool(r[label])) for r in rows]
    return [p for p in found if normal_form(p.left) != normal_form(p.right)]


def _same_questions(name: str) -> frozenset[str]:
    """Ids of the questions whose nearest other question is the same question in another form."""
    lines = (HANDMADE_FOLDER / "same_questions.tsv").read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[1] for line in lines if line.split("\t")[0] == name)


def _handmade(name: str) -> list[dict[str, str]]:
    """Rows of a hand-made set in the form of the other sets; a row's label is empty for different meanings."""
    language, half = HANDMADE[name]
    with (HANDMADE_FOLDER / f"{half}.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        {
            "id": f"{name}-{n}",
            "text_a": row["left"],
            "text_b": row["right"],
            "duplicate": "same" if row["meaning"] == "same" else "",
        }
        for n, row in enumerate(rows)
        if row["language"] == language
    ]


def _rows(name: str) -> list[dict[str, str]]:
    """Rows of a set; of a set of single questions, ``MAX_QUESTIONS`` drawn by a hash of the id."""
    if name in HANDMADE:
        return _handmade(name)
    with (data_dir() / SETS[name]).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if name not in NEAREST:
        return rows
    in_scope = [r for r in rows if r.get("in_scope", True)]
    return sorted(in_scope, key=lambda r: hashlib.sha256(r["id"].encode()).digest())[:MAX_QUESTIONS]


def _nearest_others(name: str, vectors: Vectors) -> list[Pair]:
    """Each question with the nearest one of another group: by embedding, in Korean by syllable pairs."""
    text, group = NEAREST[name]
    rows = _rows(name)
    texts = [r[text] for r in rows]
    matrix = _bigrams(texts) if LANGUAGES[name] == "ko" else np.stack([vectors[t] for t in texts])
    groups = np.asarray([r[group] for r in rows])
    found: list[Pair] = []
    for i, row in enumerate(rows):
        nearest = int(np.where(groups == row[group], -1.0, matrix @ matrix[i]).argmax())
        found.append(Pair(name, row["id"], texts[i], texts[nearest], same=False))
    return found


def _bigrams(texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors over the syllable pairs of each text."""
    sets = [{t[i : i + 2] for i in range(len(t) - 1)} for t in (x.replace(" ", "") for x in texts)]
    columns = {gram: n for n, gram in enumerate(sorted(set().union(*sets)))}
    matrix = np.zeros((len(texts), len(columns)), dtype=np.float32)
    for row, grams in zip(matrix, sets, strict=True):
        row[[columns[g] for g in grams]] = 1.0 / np.sqrt(max(1, len(grams)))
    return matrix


def texts(names: list[str]) -> list[str]:
    """Distinct texts of the named sets, shortest first, so that batches need little padding."""
    fields = ("text", "question", "text_a", "text_b")
    found = {row[k] for name in names for row in _rows(name) for k in fields if k in row}
    return sorted(found, key=lambda t: (len(t), t))


def embed(names: list[str], cache: Path, model: str = DEFAULT.name) -> dict[str, NDArray[np.float32]]:
    """Embed the texts of the named sets as the cache embeds questions.

    Stores the vectors in ``cache``. The first run takes minutes on one core.
    """
    wanted = texts(names)
    return dict(zip(wanted, CachedEncoder(model, cache).encode(wanted, "question"), strict=True))

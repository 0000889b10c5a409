"""Reads evaluation sets in place from ``SEPTET_DATA``."""

from __future__ import annotations

import json
import random
from typing import Any

from septet_eval.domain.fit_relevance import Pair, paired
from septet_eval.domain.text import sentences

from benchmarks.data import data_dir

SEED = 5


def rows(name: str, file: str) -> list[dict[str, Any]]:
    """The rows of one JSONL file.

    Raises:
        SystemExit: the set is missing; the message names it.
    """
    path = data_dir() / name / file
    if not path.exists():
        raise SystemExit(
            f"the data set {name} is missing: set SEPTET_DATA to the folder of the sets (now {data_dir()})"
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def relevance_pairs(name: str, limit: int = 300) -> list[Pair]:
    """Each question with its own answer, and with the answer to another question of the set."""
    answered = _question_answers(name)
    random.Random(SEED).shuffle(answered)
    return paired(answered[:limit])


def _question_answers(name: str) -> list[tuple[str, str]]:
    if name == "anthropic_docs_qa":
        return [(r["question"], r["answer"]) for r in rows(name, "questions.jsonl")]
    contexts = {r["id"]: r["text"] for r in rows(name, "contexts.jsonl")}
    pairs = []
    for row in rows(name, "questions.jsonl"):
        # An extractive answer quotes the sentence with the reference answer.
        holding = [
            s.text
            for s in sentences(contexts[row["context_id"]])
            if any(a["text"] in s.text for a in row["answers"])
        ]
        if holding:
            pairs.append((row["question"], holding[0]))
    return pairs

"""A labelled data set and question pairs in English and Korean, and a deterministic embeddings endpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_kit import Transient
from septet_kit.embedding_models import TextKind

from tests.support.retrieval import WordEmbedder

MODEL = "hashed-words"
THINGS = (
    "bridge", "castle", "museum", "harbour", "library", "theatre", "market", "station", "garden", "tower",
)  # fmt: skip
TOWNS = ("Arden", "Belmor", "Corvin", "Dunmar", "Elsted", "Farrow", "Gilden", "Hartow")
KOREAN_THINGS = ("다리", "성", "박물관", "항구", "도서관", "극장", "시장", "역", "정원", "탑")
KOREAN_TOWNS = ("아르덴", "벨모르", "코르빈", "던마르", "엘스테드", "패로우", "길든", "하르토우")


# Questions name a town otherwise than its documents: vectors find it, and words do not.
NICKNAMES = ("Amber", "Birch", "Cedar", "Dahlia", "Ember", "Fern", "Ginger", "Hazel")
KOREAN_NICKNAMES = ("무지개", "소나기", "단풍", "은하수", "노을", "이슬", "안개", "햇살")
_TOWN_OF = dict(zip(NICKNAMES + KOREAN_NICKNAMES, TOWNS + KOREAN_TOWNS, strict=True))
_COMMON = frozenset(
    [
        "The",
        "of",
        "was",
        "built?",
        "built",
        "in",
        "It",
        "is",
        "open",
        "every",
        "day.",
        "When",
        "the",
        "건물은",
        "지어졌다.",
        "매일",
        "문을",
        "연다.",
        "언제",
        "지어졌나요?",
    ]
)


class HashedWords(WordEmbedder):
    """Embeds by hashed words without common ones, a nickname as its town.

    It fails after ``limit`` texts, as an endpoint that is lost during a run.
    """

    model = MODEL
    multilingual = True

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self._limit = limit

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        if self._limit is not None and len(self.texts) + len(texts) > self._limit:
            raise Transient("embeddings_unavailable", "the endpoint is down")
        return await super().embed(texts, kind)

    def _one(self, text: str) -> NDArray[np.float32]:
        words = (word for word in text.split() if word not in _COMMON)
        return super()._one(" ".join(_TOWN_OF.get(word, word) for word in words))


def question_set(folder: Path, towns: int = 8) -> Path:
    """A folder for ``septet bench rag``: ten documents and questions of each town, in both languages."""
    folder.mkdir()
    documents, questions = [], []
    for number, (town, korean) in enumerate(zip(TOWNS[:towns], KOREAN_TOWNS, strict=False)):
        for other, (thing, korean_thing) in enumerate(zip(THINGS, KOREAN_THINGS, strict=True)):
            name, year = f"{number}-{other}", 1500 + 31 * number + 7 * other
            english = f"The {thing} of {town} was built in {year}. It is open every day."
            translated = f"{korean} {korean_thing} 건물은 {year}년에 지어졌다. 매일 문을 연다."
            documents.append({"id": f"en-{name}", "title": town, "text": english})
            documents.append({"id": f"ko-{name}", "title": korean, "text": translated})
            for language, text in (
                ("en", f"When was the {thing} of {NICKNAMES[number]} built?"),
                ("ko", f"{KOREAN_NICKNAMES[number]} {korean_thing} 건물은 언제 지어졌나요?"),
            ):
                row = {"question": text, "doc_id": f"{language}-{name}", "answer": str(year)}
                questions.append({"id": f"{language}-{name}", **row})
    _write(folder / "corpus.jsonl", documents)
    _write(folder / "questions.jsonl", questions)
    return folder


def pair_file(file: Path, same: bool = True, different: bool = True) -> Path:
    """Question pairs in both languages: another word order, and another thing."""
    rows: list[dict[str, Any]] = []
    for number, (town, korean) in enumerate(zip(TOWNS, KOREAN_TOWNS, strict=True)):
        for other, (thing, korean_thing) in enumerate(zip(THINGS, KOREAN_THINGS, strict=True)):
            left, korean_left = (
                f"When does the {thing} of {town} open?",
                f"{korean} {korean_thing} 언제 개장하나요?",
            )
            if same:
                rows.append({"text_a": left, "text_b": f"When does {town}'s {thing} open?", "same": True})
                rows.append(
                    {"text_a": korean_left, "text_b": f"{korean} {korean_thing} 언제 개장해요?", "same": True}
                )
            if different:
                next_one = (other + 1) % len(THINGS)
                text = f"When does the {THINGS[next_one]} of {town} open?"
                rows.append({"text_a": left, "text_b": text, "same": False})
                text = f"{KOREAN_TOWNS[number]} {KOREAN_THINGS[next_one]} 언제 개장하나요?"
                rows.append({"text_a": korean_left, "text_b": text, "same": False})
    return _write(file, rows)


def _write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file

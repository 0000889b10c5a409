"""Texts of the benchmark of personal data: marked sentences, and texts in which a match is a false alarm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.guardrails.sets import part, rows

KOREAN = Path(__file__).parent / "korean_pii.txt"
_PART = re.compile(r"# Part (\d):")
_MARK = re.compile(r"\{([A-Z_]+):([^{}]*)\}")

# Presidio's types, and the entities that stand for them. Types without an entity are not looked for.
PRESIDIO: dict[str, str] = {
    "EMAIL_ADDRESS": "EMAIL",
    "CREDIT_CARD": "CREDIT_CARD",
    "US_SSN": "US_SSN",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP_ADDRESS",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
    "PERSON": "PERSON",
    "STREET_ADDRESS": "ADDRESS",
    "ZIP_CODE": "ADDRESS",
    "GPE": "LOCATION",
}


@dataclass(frozen=True)
class Mark:
    """Marked personal data: entity, character offsets."""

    entity: str
    start: int
    end: int


@dataclass(frozen=True)
class Marked:
    """A text with its marks."""

    text: str
    marks: tuple[Mark, ...]


def presidio(half: str | None = None) -> list[Marked]:
    """Presidio's synthetic sentences; ``half`` keeps the templates of part ``a`` or ``b``."""
    return [
        Marked(
            row["text"],
            tuple(Mark(PRESIDIO.get(s["type"], s["type"]), s["start"], s["end"]) for s in row["spans"]),
        )
        for row in rows("presidio_synth_pii/sentences")
        if half in (None, part(str(row["template_id"])))
    ]


def korean() -> dict[str, list[Marked]]:
    """The hand-made Korean sentences beside this file, by part (``1``, ``2``)."""
    parts: dict[str, list[Marked]] = {}
    for line in KOREAN.read_text("utf-8").splitlines():
        if heading := _PART.match(line):
            parts[heading[1]] = []
        elif line and not line.startswith("#"):
            parts[next(reversed(parts))].append(parse_marked(line))
    return parts


def parse_marked(line: str) -> Marked:
    """Read ``{ENTITY:value}`` marks."""
    text, position = "", 0
    marks: list[Mark] = []
    for match in _MARK.finditer(line):
        text += line[position : match.start()]
        marks.append(Mark(match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        position = match.end()
    return Marked(text + line[position:], tuple(marks))


def _pairs(row: dict[str, Any]) -> Iterator[str]:
    yield from (row["text_a"], row["text_b"])


def _field(name: str) -> Callable[[dict[str, Any]], Iterator[str]]:
    def read(row: dict[str, Any]) -> Iterator[str]:
        if row[name]:
            yield row[name]

    return read


# Name, language, file and reader. Questions and instructions first; documents, which name real people, last.
QUESTIONS: dict[str, tuple[str, str, Callable[[dict[str, Any]], Iterator[str]]]] = {
    "Quora question pairs": ("en", "qqp_a/pairs", _pairs),
    "TyDi QA questions, English": ("en", "tydiqa_goldp_en/questions", _field("question")),
    "CLINC150 requests": ("en", "clinc150_small/test", _field("text")),
    "BANKING77 requests": ("en", "banking77/test", _field("text")),
    "Purple Llama, harmless security prompts": ("en", "purplellama_injection/false_refusal", _field("text")),
    "Anthropic documentation questions": ("en", "anthropic_docs_qa/questions", _field("question")),
    "Long harmless prompts": ("en", "benign_prompts_a/prompts", _field("text")),
    "Korean question pairs": ("ko", "korean_question_pair/pairs", _pairs),
    "TyDi QA questions, Korean": ("ko", "tydiqa_goldp_ko/questions", _field("question")),
}
DOCUMENTS: dict[str, tuple[str, str, Callable[[dict[str, Any]], Iterator[str]]]] = {
    "FastStream documentation": ("en", "faststream_docs/documents", _field("text")),
    "Anthropic documentation": ("en", "anthropic_docs_qa/chunks", _field("text")),
    "Wikipedia paragraphs, English": ("en", "tydiqa_goldp_en/contexts", _field("text")),
    "Wikipedia paragraphs, Korean": ("ko", "tydiqa_goldp_ko/contexts", _field("text")),
    "Wikipedia sentences, Korean": ("ko", "pawsx_a/pairs_ko", _pairs),
}


def texts(file: str, read: Callable[[dict[str, Any]], Iterator[str]]) -> list[str]:
    """The texts of a set without repetitions."""
    return list(dict.fromkeys(text for row in rows(file) for text in read(row)))

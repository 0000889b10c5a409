"""Precision and recall of citations before and after the citations rail.

    SEPTET_DATA=… python -m benchmarks.guardrails.citations

Answers are supported sentences, each with its own passage among foreign ones. A model's citations are imitated: the
right passage, a foreign one, both, or none. Precision is the share of citations that name the sentence's own passage,
recall the share of sentences that cite it. An answer with a sentence of no passage must lose it.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from septet_contracts import Ask, Draft, Passage
from septet_guardrails.domain.policy import CitationsRule
from septet_guardrails.domain.rails.base import Answer
from septet_guardrails.domain.rails.citations import CitationsRail
from septet_guardrails.domain.text import split_sentences
from septet_kit.testing import flow

from benchmarks.guardrails.groundedness_sets import Claim, made
from benchmarks.guardrails.sets import save

_LIMIT = 120
_SENTENCES = 3
_CITATION = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Cited:
    """Sentences, the number of the passage of each (0: of none), and the passages."""

    sentences: tuple[str, ...]
    owners: tuple[int, ...]
    passages: tuple[str, ...]


def answers(language: str) -> Iterator[Cited]:
    """Answers of three sentences and a foreign one, with four passages."""
    claims = [c for c in made(language, 300) if c.supported and c.group.startswith("made foreign")]
    chance = random.Random(5)
    for at in range(0, min(len(claims), _LIMIT * _SENTENCES) - _SENTENCES - 1, _SENTENCES):
        mine: list[Claim] = claims[at : at + _SENTENCES]
        stranger = claims[(at + 7 * _SENTENCES) % len(claims)]
        other = claims[(at + 11 * _SENTENCES) % len(claims)]
        order = list(range(_SENTENCES + 1))
        chance.shuffle(order)
        passages = [claim.passage for claim in (*mine, other)]
        owners = (*(order.index(n) + 1 for n in range(_SENTENCES)), 0)
        sentences = tuple(claim.text.strip().rstrip(".") for claim in (*mine, stranger))
        yield Cited(sentences, owners, tuple(passages[n] for n in order))


def cite(cited: Cited, chance: random.Random) -> str:
    """The answer as a model might cite it."""
    written = []
    for sentence, owner in zip(cited.sentences, cited.owners, strict=True):
        wrong = chance.choice([n for n in range(1, len(cited.passages) + 1) if n != owner])
        style = chance.choice(("right", "wrong", "both", "none")) if owner else "wrong"
        numbers = {"right": [owner], "wrong": [wrong], "both": [owner, wrong], "none": []}[style]
        written.append(f"{sentence}{' ' if numbers else ''}{''.join(f'[{n}]' for n in numbers)}.")
    return "\n".join(written)


def measure(answer: str, cited: Cited) -> Counter[str]:
    """Count citations, right ones, sentences that cite their passage, and foreign sentences that are left."""
    found: Counter[str] = Counter(sentences=_SENTENCES)
    left = {_CITATION.sub("", s.text).replace(" ", "").rstrip("."): s.text for s in split_sentences(answer)}
    lines = [(key, {int(n) for n in _CITATION.findall(text)}) for key, text in left.items()]
    for sentence, owner in zip(cited.sentences, cited.owners, strict=True):
        key = sentence.replace(" ", "")
        numbers = set().union(*(n for text, n in lines if text and (text in key or key in text)))
        present = any(text and (text in key or key in text) for text, _ in lines)
        found["citations"] += len(numbers)
        found["right"] += owner in numbers
        found["foreign_left"] += present and owner == 0
    return found


def rates(found: Counter[str], answers_: int) -> dict[str, float]:
    return {
        "precision": round(found["right"] / max(1, found["citations"]), 3),
        "recall": round(found["right"] / found["sentences"], 3),
        "foreign_sentences_left": round(found["foreign_left"] / answers_, 3),
    }


def main() -> None:
    began = time.monotonic()
    body: dict[str, object] = {}
    for language in ("en", "ko"):
        chance, before, after, count = random.Random(9), Counter[str](), Counter[str](), 0
        for cited in answers(language):
            answer, count = cite(cited, chance), count + 1
            passages = tuple(
                Passage(
                    passage_id=str(n),
                    document_id=str(n),
                    content_hash="h",
                    text=text,
                    start=0,
                    end=len(text),
                    score=1,
                )
                for n, text in enumerate(cited.passages, 1)
            )
            draft = flow(Draft, answer=answer, passages=passages, ask=Ask(question="?"))
            finding = CitationsRail().check(Answer(answer, draft), CitationsRule())
            before += measure(answer, cited)
            after += measure(answer if finding.text is None else finding.text, cited)
        body[language] = {"answers": count, "before": rates(before, count), "after": rates(after, count)}
    save("citations", {**body, "seconds": round(time.monotonic() - began)})


if __name__ == "__main__":
    main()

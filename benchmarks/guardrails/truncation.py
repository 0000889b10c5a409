"""How often a cut answer would be released in mid-sentence, and how often a whole answer is taken for a cut one.

    SEPTET_DATA=… python -m benchmarks.guardrails.truncation

Whole answers are the answers of public sets. Cut answers are the same texts of at least two sentences, cut once at a random
place inside a sentence, by characters (as a token limit does) and between words. Writes ``results/truncation.json``.

``released`` counts cut answers of which text is left that does not end where a sentence of the whole answer ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from septet_guardrails.domain.completeness import without_fragment
from septet_guardrails.domain.text import split_sentences

from benchmarks.guardrails.sets import rows, save

_LONGEST = 4_000


def english() -> Iterator[tuple[str, str]]:
    for row in rows("halueval/qa_one_turn"):
        yield "halueval", row["right_answer"]
    for row in rows("truthfulqa/truthfulqa"):
        yield "truthfulqa", row["best_answer"]
    for row in rows("halueval/general"):
        yield "halueval general", row["response"]
    for row in rows("llmbar/pairs"):
        yield "llmbar", row["output_1"]
    for row in rows("hotpotqa_100/questions"):
        yield "hotpotqa", row["answer"]
    for row in rows("anthropic_docs_qa/questions"):
        yield "anthropic_docs_qa", row["answer"]
    for row in rows("tydiqa_goldp_en/questions"):
        yield from (("tydiqa_en", answer["text"]) for answer in row["answers"][:1])
    for row in rows("tydiqa_goldp_en/contexts"):
        yield "tydiqa_en passages", first_sentences(row["text"])


def korean() -> Iterator[tuple[str, str]]:
    for row in rows("tydiqa_goldp_ko/questions"):
        yield from (("tydiqa_ko", answer["text"]) for answer in row["answers"][:1])
    for row in rows("tydiqa_goldp_ko/contexts"):
        yield "tydiqa_ko passages", first_sentences(row["text"])
    for row in rows("pawsx_a/pairs_ko"):
        yield "pawsx_ko", row["text_a"]


def first_sentences(text: str) -> str:
    """The first three sentences of a passage, as an answer of that length."""
    found = split_sentences(text, 3)
    return text[: found[-1].end] if found else text


def cut_once(text: str, chance: random.Random, *, between_words: bool) -> str | None:
    """Cut a text inside one of its sentences; None if it has no place for a cut."""
    sentence = chance.choice(split_sentences(text))
    places = [
        place
        for place in range(sentence.start + 2, sentence.end - 1)
        if not between_words or (text[place].isspace() and text[place - 1].isalnum())
    ]
    return text[: chance.choice(places)] if places else None


def measure(texts: list[str], chance: random.Random) -> dict[str, Any]:
    """Rates for one set of whole answers."""
    whole = [text.strip()[:_LONGEST] for text in texts if text.strip()]
    changed = sum(without_fragment(text, cut_off=False, drafted=True) != text for text in whole)
    found: dict[str, Any] = {"whole": len(whole), "taken_for_cut": share(changed, len(whole))}
    long = [text for text in whole if len(split_sentences(text)) > 1]
    if len(long) < 20:
        return found
    for name, between in (("length", False), ("stop", True)):
        pieces = [(text, cut_once(text, chance, between_words=between)) for text in long]
        pairs = [(text, piece) for text, piece in pieces if piece is not None]
        left = [
            (text, without_fragment(piece, cut_off=name == "length", drafted=True)) for text, piece in pairs
        ]
        found[f"cut ({name})"] = len(pairs)
        found[f"released in mid-sentence ({name})"] = share(
            sum(ends_inside(*pair) for pair in left), len(left)
        )
        found[f"nothing left ({name})"] = share(sum(not piece for _, piece in left), len(left))
    return found


def ends_inside(text: str, piece: str) -> bool:
    """Whether a piece of a text is not empty and ends inside one of the text's sentences."""
    return bool(piece) and len(piece) not in {sentence.end for sentence in split_sentences(text)}


def share(part: int, total: int) -> float:
    return round(part / max(total, 1), 3)


def main() -> None:
    body: dict[str, Any] = {}
    for language, answers in (("en", english()), ("ko", korean())):
        by_set: dict[str, list[str]] = {}
        for name, text in answers:
            by_set.setdefault(name, []).append(text)
        body[language] = {name: measure(texts, random.Random(7)) for name, texts in by_set.items()}
    save("truncation", body)


if __name__ == "__main__":
    main()

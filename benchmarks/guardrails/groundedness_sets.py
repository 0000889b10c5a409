"""Supported and unsupported answers with their passages, from human labels and generated corruptions."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from septet_guardrails.domain.grounding.claims import CITATION, bigrams, topics
from septet_guardrails.domain.text import split_sentences, words

from benchmarks.guardrails.sets import part, rows

_VERBS = r"\b(is|are|was|were|can|will|has|had|does|could)\b"
_KO_DENIALS = (
    ("했다", "하지 않았다"),
    ("이다", "이 아니다"),
    ("있다", "없다"),
    ("한다", "하지 않는다"),
    ("됐다", "되지 않았다"),
)


@dataclass(frozen=True)
class Claim:
    """An answer, its passage, and whether the passage supports it."""

    text: str
    passage: str
    question: str
    supported: bool
    group: str
    part: str


def halueval() -> Iterator[Claim]:
    """Correct and hallucinated answers (HaluEval QA)."""
    for row in rows("halueval/qa_one_turn"):
        for text, supported in ((row["right_answer"], True), (row["hallucinated_answer"], False)):
            yield Claim(text, row["knowledge"], row["question"], supported, "halueval", part(row["id"]))


def begin() -> Iterator[Claim]:
    """Dialogue turns that annotators labelled as fully attributable to the knowledge or not (BEGIN)."""
    for row in rows("begin_tc_cmu/turns"):
        if row["label"] != "Generic":
            supported = row["label"] == "Fully attributable"
            yield Claim(
                row["response"], row["knowledge"], row["message"], supported, "begin", part(row["id"])
            )


def paws(language: str) -> Iterator[Claim]:
    """Sentence pairs with nearly the same words: paraphrases, or other meanings by word order (PAWS-X).

    The group "paws foreign" pairs each paraphrase with its sentence and with the sentence of the next pair.
    """
    found = rows(f"pawsx_a/pairs_{language}")
    for row, other in zip(found, found[1:] + found[:1], strict=True):
        where, same = part(row["id"]), bool(row["paraphrase"])
        yield Claim(row["text_a"], row["text_b"], "", same, f"paws {language}", where)
        if same:
            yield Claim(row["text_a"], row["text_b"], "", True, f"paws foreign {language}", where)
            yield Claim(row["text_a"], other["text_b"], "", False, f"paws foreign {language}", where)


def documentation() -> Iterator[Claim]:
    """Free-form answers with their own passages and with those of the next question."""
    chunks = {row["id"]: row["text"] for row in rows("anthropic_docs_qa/chunks")}
    asked = [
        row for row in rows("anthropic_docs_qa/questions") if all(i in chunks for i in row["relevant_ids"])
    ]
    for row, other in zip(asked, asked[1:] + asked[:1], strict=True):
        own, foreign = ("\n".join(chunks[i] for i in r["relevant_ids"]) for r in (row, other))
        where = part(row["id"])
        yield Claim(row["answer"], own, row["question"], True, "docs", where)
        yield Claim(row["answer"], foreign, row["question"], False, "docs", where)


def made(language: str, limit: int = 400) -> Iterator[Claim]:
    """Shortened passage sentences (supported) and their corruptions: number, name, negation, similar foreign sentence."""
    contexts = rows(f"tydiqa_goldp_{language}/contexts")[:limit]
    chance = random.Random(7)
    for i, row in enumerate(contexts):
        passage = row["text"]
        pieces = [s.text for s in split_sentences(passage, 12) if 30 <= len(s.text) <= 260]
        if len(pieces) < 2:
            continue
        where = part(f"{language} {i}")
        base = CITATION.sub("", chance.choice(pieces))
        foreign = _nearest(base, i, contexts)
        rest = " ".join(piece for piece in pieces if CITATION.sub("", piece) != base)
        wrongs = [
            *_corruptions(base, foreign, chance, language),
            *_moves(base, rest, random.Random(i), language),
        ]
        for kind, wrong in wrongs:
            yield Claim(_shorten(base), passage, "", True, f"made {kind} {language}", where)
            yield Claim(wrong, passage, "", False, f"made {kind} {language}", where)


def _nearest(sentence: str, own: int, contexts: list[dict[str, str]]) -> str:
    """The other context with the most words of the sentence: a hard negative."""
    wanted = frozenset(words(sentence))
    others = (row["text"] for i, row in enumerate(contexts) if i != own)
    return max(others, key=lambda text: sum(word in text.lower() for word in wanted))


def _closest(sentence: str, pieces: list[str]) -> str:
    return max(pieces, key=lambda piece: len(bigrams(sentence) & bigrams(piece)))


def _shorten(text: str) -> str:
    """The text without parentheses, as in an answer."""
    return re.sub(r"\s*\([^)]*\)", "", text) or text


def _corruptions(text: str, foreign: str, chance: random.Random, language: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each corruption of the sentence."""
    if number := re.search(r"\d+", text):
        wrong = str(int(number.group()[:9]) + chance.choice((1, 2, 7, 13)))
        yield "number", text[: number.start()] + wrong + text[number.end() :]
    find = _names if language == "en" else topics
    names, others = sorted(find(text)), sorted(find(foreign) - find(text))
    if names and others:
        yield "name", text.replace(chance.choice(names), chance.choice(others), 1)
    if (denied := _denial(text, language)) != text:
        yield "denial", denied
    sentences = [s.text for s in split_sentences(foreign, 8) if 30 <= len(s.text) <= 260]
    if sentences:
        yield "foreign", _closest(text, sentences)


def _moves(text: str, rest: str, chance: random.Random, language: str) -> Iterator[tuple[str, str]]:
    """Kind and text of the sentence with a number or a name from another sentence of the same passage."""
    find = _names if language == "en" else topics
    for kind, pick in (("moved number", _years_and_amounts), ("moved name", find)):
        mine, others = sorted(pick(text)), sorted(pick(rest) - pick(text))
        if mine and others:
            yield kind, text.replace(chance.choice(mine), chance.choice(others), 1)


def _years_and_amounts(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<![\d.,])\d{2,4}(?![\d.,]\d|\d)", text))


def _names(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<=\s)[A-Z]\w{3,}", text))


def _denial(text: str, language: str) -> str:
    if language == "en":
        return text if " not " in text else re.sub(_VERBS, r"\1 not", text, count=1)
    return next((text.replace(said, denial, 1) for said, denial in _KO_DENIALS if said in text), text)


def claims() -> list[Claim]:
    """Claims of all groups."""
    return [*halueval(), *begin(), *documentation(), *made("en"), *made("ko"), *paws("en"), *paws("ko")]

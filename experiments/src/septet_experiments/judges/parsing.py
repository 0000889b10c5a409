"""Verdicts in the replies of judges.

The last verdict of a reply counts: judges repeat formats and candidate texts before they decide. A text without a
verdict raises :class:`Unparsed`.

| format | example | origin |
| --- | --- | --- |
| letter in brackets | ``[[A]]``, ``[[B]]``, ``[[C]]`` (tie) | MT-Bench |
| rating in brackets | ``[[5]]``, ``Rating: [[7.5]]``, ``Rating: [5]`` | MT-Bench |
| two ratings | ``[[8, 6]]`` | MT-Bench |
| one letter | ``m`` (first answer), ``M`` (second answer) | AlpacaEval |
| JSON | ``{"reason": "…", "score": 4}``, ``{"winner": "A"}``, in a code block or not | |
| form | ``Score: 4``, ``4/5``, ``점수: 4`` | G-Eval |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from septet_experiments.judges.errors import Unparsed

Verdict = Literal["A", "B", "tie"]

_LETTER = re.compile(r"\[\[\s*([ABC])\s*\]\]")
_TWO_RATINGS = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*\]\]")
_RATING = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*\]\]")
# Without the word in front of it, `[2]` is a citation.
_ONE_BRACKET = re.compile(r"(?:rating|score|평점|점수)\W{0,4}\[\s*(\d+(?:\.\d+)?)\s*\]", re.IGNORECASE)
_FORM = re.compile(
    r"\W*(?:(?:score|rating|점수|평점)\W*)?(\d+(?:\.\d+)?)\s*(?:점|/\s*\d+)?\W*", re.IGNORECASE
)
_WORDS: Mapping[str, Verdict] = {
    "a": "A", "assistant a": "A", "b": "B", "assistant b": "B", "c": "tie", "tie": "tie", "무승부": "tie"
}  # fmt: skip
_MAX_OBJECTS = 64
_MAX_FORM = 40


def pair_verdict(text: str) -> Verdict:
    """The better of two answers, as shown in the prompt: the first is A, the second is B.

    Raises:
        Unparsed: the text contains no verdict.
    """
    if letters := _LETTER.findall(text):
        return _letter(letters[-1])
    if ratings := _TWO_RATINGS.findall(text):
        first, second = map(float, ratings[-1])
        return "tie" if first == second else ("A" if first > second else "B")
    for found in _objects(text):
        winner = _WORDS.get(str(found.get("winner", "")).strip().lower())
        if winner is not None:
            return winner
    return alpaca_verdict(text)


def alpaca_verdict(text: str) -> Verdict:
    """The verdict of AlpacaEval's format: the whole text is ``m`` (first answer) or ``M`` (second answer).

    Raises:
        Unparsed: it is neither.
    """
    letter = text.strip(" \t\r\n\"'`*.()")
    if letter not in ("m", "M"):
        raise Unparsed("the judge's reply contains no verdict")
    return "A" if letter == "m" else "B"


def rating(text: str, low: float, high: float) -> float:
    """The rating of one answer.

    Raises:
        Unparsed: the text contains no rating from ``low`` to ``high``.
    """
    found = _rating(text)
    if found is None:
        raise Unparsed("the judge's reply contains no rating")
    if not low <= found <= high:
        raise Unparsed(f"the judge's rating {found:g} is not within {low:g} to {high:g}")
    return found


def form_score(text: str) -> float | None:
    """The number of a filled form: the reply is nothing but a score. None if it is something else."""
    # A reply that was cut off, such as `[1`, may lack a digit.
    is_whole = len(text) <= _MAX_FORM and text.count("[") == text.count("]")
    found = _FORM.fullmatch(text.strip()) if is_whole else None
    return float(found[1]) if found else None


def json_object(text: str, *keys: str) -> dict[str, Any]:
    """The last JSON object of the text that has all ``keys``.

    Raises:
        Unparsed: there is none.
    """
    for found in _objects(text):
        if all(key in found for key in keys):
            return found
    raise Unparsed(f"the judge's reply has no JSON object with {', '.join(keys)}")


def _letter(letter: str) -> Verdict:
    return "tie" if letter == "C" else ("A" if letter == "A" else "B")


def _rating(text: str) -> float | None:
    for pattern in (_RATING, _ONE_BRACKET):
        if numbers := pattern.findall(text):
            return float(numbers[-1])
    for found in _objects(text):
        for key in ("score", "rating"):
            value = found.get(key)
            if isinstance(value, str):
                value = form_score(value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    return form_score(text)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects of a text, last first."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    position = text.find("{")
    tries = 0
    while position >= 0 and tries < _MAX_OBJECTS:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            found.append(value)
        position = text.find("{", end)
    yield from reversed(found)

"""Word forms in English and Korean: ``septet_kit.text``, the rules of services, and a library for Korean.

    python -m benchmarks.text.words

Writes ``results/words.json``. Each pair in ``cases/words_*.json`` is two forms of one word (inflection, particles), or two
words. Rules that reduce a pair to the same term say that it is one word.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from septet_cache.domain.reading.inflection import lemmas
from septet_cache.domain.reading.korean import read as read_korean
from septet_kit.text.word_forms import korean_stem, lemma
from septet_retrieval.domain.analysis import analyze, question_units

HERE = Path(__file__).parent
LANGUAGES = ("en", "ko")
Reduce = Callable[[str], Any]


def contenders(language: str) -> Iterator[tuple[str, Reduce]]:
    """Functions that reduce a word to its terms."""
    if language == "en":
        yield "septet_kit.text", lemma
        yield "retrieval (Porter)", lambda word: frozenset(analyze(word))
        yield "cache", lemmas
    else:
        yield "septet_kit.text", korean_stem
        yield "septet_kit.text, full", partial(korean_stem, full=True)
        yield "retrieval", lambda word: frozenset(question_units(word))
        yield "cache", lambda word: frozenset(form for term in read_korean(word).terms for form in term.forms)
        try:
            yield "kiwipiepy", _kiwi()
        except ImportError:
            print("skipped: kiwipiepy is not installed")


def _kiwi() -> Reduce:
    kiwi = import_module("kiwipiepy").Kiwi(num_workers=1)
    return lambda word: kiwi.tokenize(word)[0].form


def is_same(one: Any, other: Any) -> bool:
    """Whether the terms of two words are equal. The cache keeps all possible base forms: one in common is enough."""
    return bool(one & other) if isinstance(one, frozenset) and one and other else bool(one == other)


def report(reduce: Reduce, pairs: dict[str, list[list[str]]]) -> dict[str, Any]:
    """Shares of pairs that are recognised as one word and as two, and the time."""
    wrong = {kind: [p for p in pairs[kind] if is_same(*map(reduce, p)) != (kind == "same")] for kind in pairs}
    words = [f"{word}" for kind in pairs for pair in pairs[kind] for word in pair]
    began = time.process_time()
    for word in words:
        reduce(word)
    took = time.process_time() - began
    return {
        **{kind: round(1 - len(wrong[kind]) / len(pairs[kind]), 3) for kind in pairs},
        "us_per_word": round(took * 1e6 / len(words), 1),
        "wrong": {kind: [" ".join(pair) for pair in found] for kind, found in wrong.items()},
    }


def main() -> None:
    results: dict[str, Any] = {}
    for language in LANGUAGES:
        pairs = json.loads((HERE / "cases" / f"words_{language}.json").read_text("utf-8"))
        results[language] = {}
        for name, reduce in contenders(language):
            found = results[language][name] = report(reduce, pairs)
            print(f"{language} {name:20} same {found['same']:.3f}  different {found['different']:.3f}")
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (HERE / "results" / "words.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Sentence splitters that the benchmark compares: the product's own, and libraries where they are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from typing import Any

from septet_kit.text import sentence_spans

Splitter = Callable[[str], list[str]]

LIBRARIES = ("pysbd", "blingfire", "sentencex", "syntok", "simplemma", "kiwipiepy")


def own() -> Iterator[tuple[str, Splitter]]:
    """The product's splitter, as it splits documents and answers."""
    yield "documents", lambda text: [span.of(text) for span in sentence_spans(text)]
    yield "answers", lambda text: [span.of(text) for span in sentence_spans(text, lines=True)]


def libraries(language: str) -> Iterator[tuple[str, Splitter]]:
    """The installed libraries. Those without Korean rules get Korean text with their English or default rules."""
    for name in LIBRARIES:
        try:
            module = import_module(name)
        except ImportError:
            print(f"skipped: {name} is not installed")
            continue
        made = _of(name, module, language)
        if made is not None:
            yield name, made


def versions() -> dict[str, str]:
    """Versions of the installed libraries."""
    return {found.name: found.version for found in metadata.distributions() if found.name in LIBRARIES}


def _of(name: str, module: Any, language: str) -> Splitter | None:
    if name == "pysbd":
        segmenter = module.Segmenter(language="en", clean=False)
        return lambda text: list(segmenter.segment(text))
    if name == "blingfire":
        return lambda text: list(module.text_to_sentences(text).split("\n"))
    if name == "sentencex":
        return lambda text: list(module.segment(language, text))
    if name == "syntok":
        segment = import_module("syntok.segmenter")
        return lambda text: [
            "".join(f"{token.spacing}{token.value}" for token in sentence)
            for paragraph in segment.process(text)
            for sentence in paragraph
        ]
    if name == "simplemma":
        return lambda text: list(module.split_sentences(text, language))
    kiwi = module.Kiwi(num_workers=1)
    return lambda text: [found.text for found in kiwi.split_into_sents(text)]

"""Texts that make careless text processing slow, and a check of growth: for tests and benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice

_WORDS = " ".join(f"w{number:x}q" for number in range(4_096))
_SYLLABLES = " ".join(chr(0xAC00 + number * 7919 % 11_172) * 2 for number in range(4_096))

UNITS = {
    "english": "What does the deque class do in Python, and how is it different from a list? It is fast. ",
    "korean": "파이썬의 데크 클래스는 무엇을 하고 리스트와 어떻게 다른가요? 양쪽 끝이 빠릅니다. ",
    "words": f"{_WORDS} ",
    "syllables": f"{_SYLLABLES} ",
    "one letter": "a",
    "one syllable": "가",
    "jamo": "ㅅ ",
    "spaces": " ",
    "tabs": "\t",
    "line breaks": "\n",
    "blank lines": " \n",
    "lines": ".\n",
    "digits": "1",
    "numbers": "12 ",
    "commas": "1,",
    "dashes": "123-",
    "phone numbers": "010-1234-5678 ",
    "dots": ".",
    "dotted": "a.",
    "identifiers": "a_b.",
    "brackets": "[",
    "citations": "[1] ",
    "quotes": '"',
    "apostrophes": "a' ",
    "colons": "a:",
    "mail": "a@",
    "addresses": "a@b.c ",
    "base64": "QUJDREVGR0hJSktMTU5PUFFS ",
    "capitals": "A ",
    "letters": "a b ",
    "exclamations": "a! ",
    "leet": "a1@$",
    "zero width": "\u200b",
    "full width": "Ａ",
    "ligatures": "\ufdfa",
    "combining": "\u0301",
    "emoji": "😀",
    "override": "ignore all ",
    "reveal": "show your ",
    "act": "act ",
    "threat": "i want to kill ",
    "group": "women are ",
    "turn": "\nsystem ",
    "system": "시스템 이전 ",
    "tags": "<a",
    "elements": "<div>",
    "paragraphs": "<p>a",
    "cells": "<table><tr><td>x",
    "comments": "<!--a>",
    "sections": "<![x",
    "void": "<br></x>",
    "end tags": "</a",
    "entities": "&amp;",
    "ampersands": "&#",
    "links": "[a](",
    "list": "- a\n",
    "nested list": "  - a\n",
    "headings": "\n# ",
    "references": "[a]: b\n",
    "table": "|a|b|\n|-|-|\n",
    "quotation": "> ",
    "fence": "```\n",
    "stars": "*",
}


def text(name: str, size: int) -> str:
    """The unit of that name, repeated to ``size`` characters."""
    return "".join(islice(cycle(UNITS[name]), size))


def growth(function: Callable[[str], object], name: str, size: int, times: int = 4) -> float:
    """CPU time for ``times`` the size over that for ``size``; 0 where it is too little to be measured.

    Linear work gives about ``times``, quadratic work its square. The least of three tries counts, because other
    threads and cold caches only add to it.
    """
    long = _cpu(function, text(name, times * size))
    if long < _MEASURABLE_S:
        return 0.0
    return min(
        _cpu(function, text(name, times * size)) / max(_cpu(function, text(name, size)), 1e-6)
        for _ in range(3)
    )


_MEASURABLE_S = 0.02


def _cpu(function: Callable[[str], object], argument: str) -> float:
    began = time.thread_time()
    function(argument)
    return time.thread_time() - began

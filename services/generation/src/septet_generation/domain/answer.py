"""Cleans up a model's text."""

from __future__ import annotations

import re

from septet_kit.text import sentence_spans

_TAG = re.compile(r"</?(?:passage|draft)\b[^>]*>\s*", re.IGNORECASE)
_ENDS = (".", "!", "?", "。", "]", ")", '"', "”")


def tidy_text(text: str, finish_reason: str | None) -> str:
    """Remove echoed prompt tags, and clean up a text that the length limit cut.

    A cut text loses its unfinished last sentence and repeated sentences, because small models reach the limit
    by repeating themselves. A text of a single sentence is kept as it is.
    """
    text = _TAG.sub("", text).strip()
    if finish_reason != "length":
        return text
    sentences = [span.of(text) for span in sentence_spans(text)]
    count = len(sentences)
    if count > 1 and not sentences[-1].endswith(_ENDS):
        sentences.pop()
    distinct = dict.fromkeys(sentences)
    return " ".join(distinct) if len(distinct) < count else text

"""From what a model wrote to what counts as its answer."""

from __future__ import annotations

import re

from septet_generation.domain.sentences import sentence_spans

_TAG = re.compile(r"</?(?:passage|draft)\b[^>]*>\s*", re.IGNORECASE)
_ENDS = (".", "!", "?", "。", "]", ")", '"', "”")


def tidy_text(text: str, finish_reason: str | None) -> str:
    """Take off what is not answer: the prompt's tags, echoed, and what the length limit cut in two.

    A text that ran into the limit loses its unfinished last sentence and sentences that it had said before
    (small models run into the limit because they go round in circles); if that leaves nothing, it stays.
    """
    text = _TAG.sub("", text).strip()
    if finish_reason != "length":
        return text
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    if len(sentences) > 1 and not sentences[-1].endswith(_ENDS):
        sentences.pop()
    said = dict.fromkeys(sentences)
    return " ".join(said) if len(said) < len(sentence_spans(text)) else text

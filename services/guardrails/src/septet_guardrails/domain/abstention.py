"""Recognition of answers that abstain."""

from __future__ import annotations

import re

from septet_guardrails.domain.text import split_sentences

_NO_ANSWER = re.compile(
    r"\bi (?:do not|don'?t|cannot|can'?t|am not able|could not) (?:know|have (?:enough |any |that )?information|find|answer|determine|tell)"
    r"|\b(?:passages?|context|documents?|sources?|text|information provided) (?:do(?:es)? not|don'?t|doesn'?t) "
    r"(?:contain|mention|provide|say|include|specify|answer|state|have)"
    r"|\b(?:not|no) (?:mentioned|stated|specified|information|answer)\b[^.]{0,40}\b(?:passages?|context|documents?|sources?|text|provided)"
    r"|\bunable to (?:answer|find|determine)\b"
    r"|(?:정보|내용|언급|답|근거)[가이을를은는]?\s*(?:없|찾을 수 없|포함되어 있지 않|나와 있지 않)|알 수 없|모르겠|답변?할 수 없",
    re.IGNORECASE,
)


def may_abstain(text: str) -> bool:
    """Whether one of the first three sentences denies an answer, so that a longer text may or may not abstain."""
    return any(_NO_ANSWER.search(sentence.text) for sentence in split_sentences(text, 3))


def is_abstention(text: str) -> bool:
    """Whether an answer of at most three sentences abstains: in its first sentence, or in all of them."""
    sentences = split_sentences(text, 4)
    if not sentences or len(sentences) > 3:
        return False
    denials = sum(_NO_ANSWER.search(sentence.text) is not None for sentence in sentences)
    return denials > 0 and (denials == len(sentences) or _NO_ANSWER.search(sentences[0].text) is not None)

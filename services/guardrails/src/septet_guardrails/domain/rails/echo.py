"""Rail against drafts that obey instructions in the question: they repeat it, or the application's system messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from septet_guardrails.domain.grounding.claims import CITATION
from septet_guardrails.domain.policy import EchoRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.text import fold, split_sentences, words

_MAX_SENTENCES = 200
_LEAK = 8
"""Words in a row that a draft may not have in common with a system message."""


class EchoRail:
    """Rejects a draft with a whole sentence of the question, or with words of a system message.

    A draft may repeat the text of a passage. A sentence of one word is an answer. JSON may contain the question's values.
    """

    name = "echo"

    def check(self, subject: Answer, rule: EchoRule) -> Finding:
        draft = subject.draft
        passages = [passage.text for passage in draft.passages]
        system = [m.content for m in draft.ask.messages or () if m.role == "system"]
        shared = _grams(system) & _grams([subject.text]) if system else set()
        if shared and shared - _grams(passages):
            return Finding("flag" if rule.action == "flag" else "block", 1.0, "repeats a system message")
        if draft.ask.output_schema is not None:
            return PASSED
        question, known = _run(draft.ask.query), cache(lambda: [_run(text) for text in passages])
        for sentence in split_sentences(subject.text, _MAX_SENTENCES):
            run = _run(CITATION.sub(" ", sentence.text))
            if run.count(" ") > 2 and run in question and not any(run in passage for passage in known()):
                complaint = "Do not repeat the user's text. Answer with the words of the passages."
                reason = "repeats a sentence of the question"
                return Finding("flag" if rule.action == "flag" else "reask", 1.0, reason, complaint)
        return PASSED


def _run(text: str) -> str:
    """Return the words of a text between single spaces, so that a run of words is a substring."""
    return f" {' '.join(words(fold(text)))} "


def _grams(texts: Iterable[str]) -> set[str]:
    return {gram for text in texts for gram in _grams_of(words(fold(text)))}


def _grams_of(found: list[str]) -> Iterator[str]:
    return (" ".join(found[i : i + _LEAK]) for i in range(len(found) - _LEAK + 1))

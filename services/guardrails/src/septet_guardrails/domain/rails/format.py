"""Rail for the format of an answer: a complete, readable text."""

from __future__ import annotations

import re

from septet_guardrails.domain.completeness import CUT_REASONS, without_fragment
from septet_guardrails.domain.policy import FormatRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.text import Sentence, code_spans, is_within, split_sentences

# From the start of a run only; from every position, a long run of spaces would take quadratic time.
_TRAILING = re.compile(r"(?<![ \t])[ \t]+\n")
_ECHO = re.compile(r"^\s*(?:answer|assistant|답변|답)\s*[:：]\s*", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[^|>]{1,40}\|>|</?s>|\[/?INST\]")
_TRUNCATED = "The draft was cut off. Answer in one short, complete sentence."
_ASKS = re.compile(r"[?？][\"'”’)\]]*(?:\s*\[\d+\][.?]?)*\s*$|\[\d+\]\s*[?？]\s*$")


class FormatRail:
    """Removes template text, repeated sentences and an unfinished end; fails other faults.

    An answer that passes has no unfinished last sentence, whatever ended the draft.
    """

    name = "format"

    def check(self, subject: Answer, rule: FormatRule) -> Finding:
        # Under a schema, `[]` and `{}` are answers.
        is_json = subject.draft.ask.output_schema is not None
        if not (subject.text.strip() if is_json else re.search(r"\w", subject.text)):
            return Finding("reask", 0.0, "the answer is empty", "Give an answer; the last one was empty.")
        if is_json:
            return PASSED
        text, fixes = tidy(subject.text)
        if not re.search(r"\w", text):
            return Finding("reask", 0.0, "only template text", "Answer in whole sentences.")
        reason = subject.draft.finish_reason
        whole = without_fragment(text, cut_off=reason in CUT_REASONS, drafted=bool(reason))
        if not re.search(r"\w", whole):
            return Finding("reask", 0.0, "no sentence is complete", _TRUNCATED, truncated=True)
        if whole != text:
            text, fixes = whole, [*fixes, "removed an unfinished sentence"]
        if only_asks(text):
            return Finding("reask", 0.0, "the answer is a question", "State the answer; do not ask back.")
        if len(text) > rule.max_characters:
            complaint = f"Answer in fewer than {rule.max_characters} characters."
            reason = f"the answer has {len(text)} characters"
            return Finding("reask", None, reason, complaint, final=True)
        return Finding("fix", 1.0, ", ".join(fixes), text=text) if fixes else Finding("pass", 1.0)


def tidy(text: str) -> tuple[str, list[str]]:
    """Return the corrected text, and a list of the corrections."""
    fixes: list[str] = []
    clean = _ECHO.sub("", _SPECIAL.sub("", text)).strip()
    if clean != text.strip():
        fixes.append("removed template text")
    unique = without_repeats(clean)
    if unique != clean:
        fixes.append("removed repeated sentences")
    return unique, fixes


def only_asks(text: str) -> bool:
    """Whether every sentence is a question. Small models tend to repeat the question."""
    return all(_ASKS.search(sentence.text) for sentence in split_sentences(text))


def without_repeats(text: str) -> str:
    """Drop repeated sentences of more than 16 characters. Small models tend to loop; code may repeat its lines."""
    seen: set[str] = set()
    repeats: list[Sentence] = []
    code = code_spans(text)
    for sentence in split_sentences(text):
        if is_within(sentence.start, code):
            continue
        key = " ".join(re.sub(r"\[\d+\]", "", sentence.text).lower().split())
        if key in seen and len(key) > 16:
            repeats.append(sentence)
        seen.add(key)
    return cut(text, repeats)


def cut(text: str, sentences: list[Sentence]) -> str:
    """Remove sentences from ``text``, if there are any, and collapse the spaces; line breaks are kept.

    An introduction that ends in a colon goes with what it introduced.
    """
    if not sentences:
        return text.strip()
    kept, position = [], 0
    for sentence in sorted(sentences, key=lambda s: s.start):
        kept.append(text[position : sentence.start])
        position = sentence.end
    text = _TRAILING.sub("\n", "".join([*kept, text[position:]]))
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]{2,}", " ", text)).strip()
    return without_fragment(text, cut_off=False) or text if text.endswith((":", "：")) else text

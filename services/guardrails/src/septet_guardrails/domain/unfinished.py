"""The part of an unfinished answer on which the output rails decide as they will on the whole answer.

The rails read the whole answer. Each rule of this module excludes text that a rail may judge in another way when further
sentences follow.
"""

from __future__ import annotations

import re

from septet_contracts import Draft

from septet_guardrails.domain.pii import open_end
from septet_guardrails.domain.policy import OutputRules, Policy, StreamMode
from septet_guardrails.domain.rails.citations import MAX_SENTENCES, MIN_SUPPORT
from septet_guardrails.domain.text import code_spans, split_sentences

# A dropped sentence collapses all runs of white space in the answer.
_WHITE_SPACE = re.compile(r"[ \t]{2,}|[ \t]\n|\n{3,}")
_OPEN_MARKUP = re.compile(r"<\|[^|>]{0,40}\Z")
_FENCE = "```"


def stream_mode(draft: Draft, policy: Policy) -> StreamMode:
    """How the text of a draft is released: as the policy says, but whole if a rail needs the whole answer."""
    if policy.stream != "sentence":
        return policy.stream
    needs_all = draft.ask.output_schema is not None or draft.contained or _needs_all(draft, policy.output)
    return "whole" if needs_all else "sentence"


def settled(text: str, rules: OutputRules) -> str:
    """Return the beginning of an unfinished answer that further text does not change, up to the end of a sentence.

    Args:
        text: the answer up to the end of a sentence.
        rules: of the output rails.
    """
    while True:
        limit = min(_open_code(text), _first(_WHITE_SPACE, text), _first(_OPEN_MARKUP, text))
        if rules.pii.enabled:
            limit = min(limit, open_end(text, frozenset(rules.pii.entities) or None))
        shorter = _sentences_until(text, limit)
        if shorter == text:
            return text
        # What was cut off may have been the context of what remains.
        text = shorter


def _needs_all(draft: Draft, rules: OutputRules) -> bool:
    """Whether a rail decides on a sentence by what follows it anywhere in the answer."""
    has_names = rules.pii.enabled and rules.pii.names
    return draft.sealed is not None or has_names or (bool(draft.passages) and _citations_depend(rules))


def _citations_depend(rules: OutputRules) -> bool:
    """Whether a citation that follows can change those before it: only if sentences with little support are kept."""
    rule = rules.groundedness
    drops = rule.enabled and rule.action != "flag"
    strict = drops and rule.threshold >= MIN_SUPPORT and rule.max_sentences >= MAX_SENTENCES
    return rules.citations.enabled and rules.citations.action != "flag" and not strict


def _sentences_until(text: str, limit: int) -> str:
    """Return the sentences that end before ``limit``, at most as many as the rails read."""
    sentences = split_sentences(text, MAX_SENTENCES + 1)
    if limit == len(text) and len(sentences) <= MAX_SENTENCES:
        return text
    ends = [sentence.end for sentence in sentences[:MAX_SENTENCES] if sentence.end <= limit]
    return text[: ends[-1]] if ends else ""


def _open_code(text: str) -> int:
    """Offset from which on further text may make code of ``text``, or text of its code."""
    if "`" not in text:
        return len(text)
    plain = list(text)
    for start, end in code_spans(text):
        if end == len(text) and text.startswith(_FENCE, start) and not text.endswith(_FENCE, start + 3):
            return start
        plain[start:end] = " " * (end - start)
    rest = "".join(plain)
    fence, line = rest.find(_FENCE), rest.rfind("\n") + 1
    ends = [at for at in (fence, rest.find("`", line)) if at >= 0]
    return min(ends, default=len(text))


def _first(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return found.start() if found else len(text)

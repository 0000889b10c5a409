"""The part of an unfinished answer on which the output rails decide as they will on the whole answer.

The rails read the whole answer. Each rule of this module excludes text that a rail may judge in another way when further
sentences follow.
"""

from __future__ import annotations

import re

from septet_contracts import Draft
from septet_kit.text import sentence_spans

from septet_guardrails.domain.pii import open_end
from septet_guardrails.domain.policy import OutputRules, Policy, StreamMode
from septet_guardrails.domain.rails.citations import MAX_SENTENCES, MIN_SUPPORT
from septet_guardrails.domain.text import code_spans, split_sentences

# A dropped sentence collapses all runs of white space in the answer.
_WHITE_SPACE = re.compile(r"[ \t]{2,}|[ \t]\n|\n{3,}")
_OPEN_MARKUP = re.compile(r"<\|[^|>]{0,40}\Z")
_FENCE = "```"
_CITATIONS = re.compile(r"(?:(?<!\s)\s+)?\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")
# Words after which a boundary with this terminator is one, and words after which it may be none.
_STARTER = " The"
_OTHER_WORDS = (" x", " 1.")


def stream_mode(draft: Draft, policy: Policy) -> StreamMode:
    """How the text of a draft is released: as the policy says, but whole if a rail needs the whole answer."""
    if policy.stream != "sentence":
        return policy.stream
    # The model's verdicts come for the whole answer.
    by_model = policy.judges_by_model and bool(draft.passages)
    needs_all = by_model or draft.ask.output_schema is not None or draft.contained
    needs_all = needs_all or _needs_all(draft, policy.output)
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


def without_open_end(shown: str, text: str) -> str:
    """Leave off the sentences at the end of ``shown`` that are joined with other words than those after them.

    The rails may drop the words after a sentence, or replace them with a placeholder. Then the boundary depends on the
    next words that remain.

    Args:
        shown: beginning of ``text``, up to the end of a sentence.
        text: the unfinished answer with the corrections of the rails.
    """
    while (sentences := split_sentences(shown)) and sentences[-1].end == len(shown):
        if _has_white_space(text, len(shown)) and not _is_joined(sentences[-1].text):
            return shown
        shown = shown[: sentences[-2].end] if len(sentences) > 1 else ""
    return shown


def _is_joined(sentence: str) -> bool:
    """Whether other words after its terminator belong to the sentence. A line break ends a sentence in any case."""
    # A citation before the full stop may come from the rails: ``Harbour Ltd [1].``
    bare = _CITATIONS.sub("", sentence)

    def ends_before(words: str) -> bool:
        return any(span.end == len(bare) for span in sentence_spans(bare + words, lines=True))

    has_terminator = bare.endswith(".") or ends_before(_STARTER)
    return has_terminator and not all(map(ends_before, _OTHER_WORDS))


def _has_white_space(text: str, end: int) -> bool:
    """Whether white space, or the end of the text, is at ``end``: a boundary without it depends on the next character."""
    return not text[end : end + 1].strip()


def _needs_all(draft: Draft, rules: OutputRules) -> bool:
    """Whether a rail decides on a sentence by what follows it anywhere in the answer."""
    has_names = rules.pii.enabled and rules.pii.names
    # The words of a system message that a draft may repeat go on over the ends of sentences.
    may_leak = rules.echo.enabled and any(message.role == "system" for message in draft.ask.messages or ())
    citations_depend = bool(draft.passages) and _citations_depend(rules)
    return draft.sealed is not None or has_names or may_leak or citations_depend


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
    ends = [
        sentence.end
        for sentence in sentences[:MAX_SENTENCES]
        if sentence.end <= limit and _has_white_space(text, sentence.end)
    ]
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

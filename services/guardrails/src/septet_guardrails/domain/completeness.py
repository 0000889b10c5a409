"""Complete and unfinished ends of texts, English and Korean.

A text that the model's length limit cut is unfinished unless it ends like a sentence. Any other text is unfinished only
if its end shows it: short answers such as "Paris" or "3시부터" need no full stop.
"""

from __future__ import annotations

import re

from septet_kit.text import may_go_on

from septet_guardrails.domain.text import Sentence, split_sentences

CUT_REASONS = frozenset({"length", "max_tokens", "content_filter"})
"""Finish reasons of drafts that end because of a limit."""

_TAIL = 400
"""Characters at the end of a text or sentence that are read."""

_END = re.compile(r"(?:[.!?。！？…][\"'”’)\]»*_`]*(?:\s*\[\d+\])*|\[\d+\])\s*$")
_CITATIONS = re.compile(r"(?:\s*\[\d+(?:\s*,\s*\d+)*\])+\s*$")
_LIST_LINE = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S|\s*\|")
_BARE_MARKER = re.compile(r"(?:^|\n)\s*(?:[-*+•]|\d{1,3}[.)])$")
_OPEN_END = re.compile(r"[,;:，、：；(\[{“‘「『\-–—\ufffd]$")
# Also a remark in brackets, a Korean predicate, an address, a name in code, an amount and a picture.
_WHOLE_WITHOUT_STOP = re.compile(r"(?:[^\w\s]|[가-힣](?:다|요|까|죠)|\S*[\d@/._`]\S*|\d\S*\s\S{1,4})$")
_FENCE = "```"
_ENGLISH_OPEN = re.compile(
    r"\b(?:an?|the|of|to|and|or|but|nor|with|without|for|from|at|by|as|than|if|because|although|though|unless"
    r"|whether|while|when|where|which|who|whom|whose|that|into|onto|upon|between|among|during|its|their|his|your"
    r"|our|my|is|are|was|were|be|been|being|has|have|had|will|would|must|should|shall|including|via|per)$"
)
# "That is what the API is for."
_STRANDED = re.compile(
    r"\b(?:[Ww]hat|[Ww]hich|[Ww]ho|[Ww]hom|[Ww]here|[Ww]hy|[Hh]ow|that)\b[^.!?\n]*"
    r"\b(?:for|from|by|with|to|of|at|is|are|was|were|be)$"
)
_SHORT_REPLY = re.compile(r"\s*(?:yes|no|yeah|nope)\b.{0,24}$", re.IGNORECASE)
# Particles and endings after which a Korean sentence goes on, unless the same syllables also end nouns.
_KOREAN_OPEN = re.compile(
    r"[가-힣](?:를|는|에서|에게|으로써|으로서|이며|하며|되며|으며|하고|되고|이고|있고|없고|않고|지만|는데|면서|아서|어서|해서"
    r"|여서|려고|거나|하여|되어|통해|위해|대해|인해|위한|대한|관한|가능한|필요한|중요한|따라|따른|했던|였던|된|될|때문에"
    r"|(?:하|되|있|없|않)도록|(?<!마)(?<!가)(?<!노)을)$"
    r"|(?:^|\s)(?:및|또는|그리고|하지만|그러나|따라서)$"
)


def stops_short(text: str) -> bool:
    """Whether the end of ``text`` shows that its last sentence goes on."""
    body = text.rstrip()[-_TAIL:]
    if _BARE_MARKER.search(body):
        return True
    body = _CITATIONS.sub("", body).rstrip()
    if not body or _END.search(body):
        return False
    if _OPEN_END.search(body) or _has_open_bracket(body):
        return True
    if _ENGLISH_OPEN.search(body):
        return not (_SHORT_REPLY.match(body) or _STRANDED.search(body))
    return _KOREAN_OPEN.search(body) is not None


def without_fragment(text: str, *, cut_off: bool, drafted: bool = False) -> str:
    """Cut ``text`` behind its last complete sentence; empty if it has none.

    Args:
        text: an answer in prose.
        cut_off: whether a limit ended it. If not, an end is cut only if :func:`stops_short` says so.
        drafted: whether a model wrote it. Then an end in plain words is also cut if it is the only one without a full
            stop.
    """
    closed = text[: text.rfind(_FENCE)] if text.count(_FENCE) % 2 else text
    pieces = split_sentences(closed)
    if not cut_off and closed == text and not (stops_short(text) or (drafted and _lacks_end(text, pieces))):
        return text.rstrip()
    if pieces and closed == text and cut_off and _ends_whole(pieces[-1]):
        return _until(closed, pieces[-1])
    # Marks without a word, such as the marker of an empty list item, are not among the pieces.
    ends_in_piece = closed == text and bool(pieces) and not text[pieces[-1].end :].strip()
    for piece in reversed(pieces[:-1] if ends_in_piece else pieces):
        if _is_complete(closed, piece):
            return _until(closed, piece)
    return ""


def _lacks_end(text: str, pieces: list[Sentence]) -> bool:
    """Whether the last sentence has no full stop although the one before it, in the same line, has one."""
    if len(pieces) < 2:
        return False
    before, last = pieces[-2:]
    end = last.text[-_TAIL:]
    if _END.search(end) or _WHOLE_WITHOUT_STOP.search(end):
        return False
    same_line = "\n" not in text[before.end : last.start] and text[last.end :].strip(" )\"'”’*_`") == ""
    return same_line and _END.search(before.text[-_TAIL:]) is not None


def _until(text: str, last: Sentence) -> str:
    """Return the text up to the end of a sentence, with a code fence that closes behind it."""
    rest = text[last.end :].strip()
    return text.rstrip() if rest in ("", _FENCE) else text[: last.end]


def _ends_whole(piece: Sentence) -> bool:
    """Whether the last sentence of a text that a limit ended is complete."""
    end = piece.text[-_TAIL:]
    return _END.search(end) is not None and not may_go_on(end) and not stops_short(end)


def _is_complete(text: str, piece: Sentence) -> bool:
    """Whether a sentence with text behind it is complete; an item of a list needs no full stop."""
    if _END.search(piece.text[-_TAIL:]):
        return True
    line = text[text.rfind("\n", 0, piece.start) + 1 : piece.end]
    return _LIST_LINE.match(line) is not None and not piece.text.endswith(":")


def _has_open_bracket(text: str) -> bool:
    """Whether the last line opens a bracket that it does not close. An interval such as [0, 1) is closed."""
    line = text[text.rfind("\n") + 1 :]
    return any(_count(line, opens) > _count(line, closes) for opens, closes in (("([", ")]"), "“”", "「」"))


def _count(line: str, marks: str) -> int:
    return sum(map(line.count, marks))

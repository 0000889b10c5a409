"""English and Korean text: sentences, scripts and the folded form. Pure functions whose time is linear in the length.

``septet_kit.text.word_forms`` has the base forms of words. Import it by name: it needs the extra ``words`` and reads a
dictionary.
"""

from septet_kit.text.folding import OVERLAP, WINDOW, fold, windows, words
from septet_kit.text.scripts import CJK, HANGUL, hangul_share, has_hangul, is_korean
from septet_kit.text.sentences import Span, may_go_on, sentence_spans, settled_end

__all__ = [
    "CJK",
    "HANGUL",
    "OVERLAP",
    "WINDOW",
    "Span",
    "fold",
    "hangul_share",
    "has_hangul",
    "is_korean",
    "may_go_on",
    "sentence_spans",
    "settled_end",
    "windows",
    "words",
]

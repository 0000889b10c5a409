"""English and Korean text: sentences and scripts. Pure functions whose time is linear in the length of the text."""

from septet_kit.text.scripts import CJK, HANGUL, hangul_share, has_hangul, is_korean
from septet_kit.text.sentences import Span, may_go_on, sentence_spans

__all__ = ["CJK", "HANGUL", "Span", "hangul_share", "has_hangul", "is_korean", "may_go_on", "sentence_spans"]

"""The text of bytes in any common encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from septet_readers.content import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In text of one language, other code pages of the same family often decode the same bytes without an error.
_CODE_PAGES = [
    "cp949",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "utf_16_le",
    "utf_16_be",
    "cp1252",
    "cp1250",
    "cp1251",
]
_SAMPLE = 262_144
_CONTROLS = frozenset(range(32)) - {9, 10, 11, 12, 13, 27}
_MOST_CONTROLS = 0.01


@dataclass(frozen=True)
class Decoded:
    """A text, its encoding, and the confidence in it (0 to 1)."""

    text: str
    encoding: str
    confidence: float


def decode(data: bytes) -> Decoded:
    """Decode bytes: by a byte order mark, as UTF-8, else by the code page that fits the text best.

    Raises:
        Unreadable: the bytes are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace"), encoding, 1.0)
    # UTF-16 without a mark is valid UTF-8 if all characters are ASCII: each second byte is zero.
    if b"\x00" not in data[:_SAMPLE]:
        try:
            return _checked(data.decode("utf-8"), "utf-8", 1.0)
        except UnicodeDecodeError:
            pass
    return _by_statistics(data)


def _by_statistics(data: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    found = from_bytes(data[:_SAMPLE], cp_isolation=_CODE_PAGES).best()
    if found is None:
        raise Unreadable("its bytes are no text in a known encoding", "convert it to UTF-8")
    # The sample may end inside a character.
    text = data.decode(found.encoding, "replace")
    return _checked(text, found.encoding.replace("_", "-"), round(1 - found.percent_chaos / 100, 2))


def _checked(text: str, encoding: str, confidence: float) -> Decoded:
    sample = text[:_SAMPLE]
    controls = sum(ord(c) in _CONTROLS or c == "\ufffd" for c in sample)
    if controls > _MOST_CONTROLS * len(sample):
        raise Unreadable(
            "it is no text: it has many control characters", "convert it to a type that can be read"
        )
    return Decoded(text, encoding, confidence)

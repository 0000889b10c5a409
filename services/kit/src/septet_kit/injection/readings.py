"""Readings of a text: the canonical form, and the texts that it hides.

Attackers hide instructions from filters by look-alike letters, digits for letters, spaces between letters, tag
characters, rot13, and base64, hexadecimal or binary codes. A model can read all of them.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator

from septet_kit.text import fold, words

MAX_ENCODED = 4_096
"""Most characters of an encoded passage that is decoded."""

# Cyrillic, Greek and IPA letters with the Latin letter that they look like.
_PAIRS = "аa вb еe іi кk мm нh оo рp сc тt уy хx ѕs јj ԁd ԛq ԝw ɡg ıi οo αa νv ρp τt υu κk ιi χx εe ηn ϲc"
_LOOKALIKES = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_LOOKALIKE = re.compile("[Ͱ-ԯɡı]")
_WORD = re.compile(r"\w+")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_WORD = re.compile(
    r"(?<![\w@$])(?=[\w@$!|]*[a-z])(?=[\w@$!|]*[013457@$])[a-z013457@$!|]{2,24}(?![\w@$])"
)
_LETTER_RUN = re.compile(r"(?<!\w)(?:\w(?: {1,3}|[.\-_*])){6,400}\w(?!\w)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,4096}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2} ?){12,2048}")
_BINARY = re.compile(r"(?:[01]{8} ?){8,512}")
_TAGS = re.compile("[\U000e0020-\U000e007e]{6,}")

# Frequent words of English and of attacks: a text that gains several of them by a decoding was encoded.
_WORDS = (
    "the a an and or of to in is are you your my me all that this it what with for from not do now say tell show ignore "
    "previous prior above instructions instruction rules system prompt secret password print reveal output forget "
    "disregard repeat give answer act as be any"
)
_FREQUENT = frozenset(_WORDS.split())


def canonical(text: str) -> str:
    """Fold a text, replace look-alike letters inside Latin words, and collapse runs of white space within lines."""
    folded = fold(text)
    if _LOOKALIKE.search(folded):
        folded = _WORD.sub(lambda match: _latin(match.group()), folded)
    return re.sub(r"[^\S\n]+", " ", folded)


def _latin(word: str) -> str:
    """Return a word that mixes Latin letters and their look-alikes in Latin letters, and any other word unchanged."""
    if word.isascii() or not re.search("[a-z]", word):
        return word
    return word.translate(_LOOKALIKES)


def hidden_texts(text: str) -> Iterator[str]:
    """Yield the readable texts that ``text`` hides in another form."""
    yield from _tagged(text)
    yield from _coded(text)
    folded = fold(text[: 2 * MAX_ENCODED])
    for reading in (_without_leet(folded), _joined_letters(folded), _rotated(folded)):
        if reading:
            yield reading


def _tagged(text: str) -> Iterator[str]:
    hidden = "".join(match.group() for match in _TAGS.finditer(text[:MAX_ENCODED]))
    if hidden:
        yield "".join(chr(ord(character) - 0xE0000) for character in hidden)


def _coded(text: str) -> Iterator[str]:
    decoders: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
        (_BASE64, lambda raw: base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True)),
        (_HEX, lambda raw: bytes.fromhex(raw)),
        (_BINARY, lambda raw: bytes(int(octet, 2) for octet in re.findall("[01]{8}", raw))),
    )
    for pattern, decode in decoders:
        for match in pattern.finditer(text):
            try:
                plain = decode(match.group()).decode("utf-8")
            except (binascii.Error, ValueError):
                continue
            if plain.isprintable() and " " in plain:
                yield plain


def _without_leet(folded: str) -> str | None:
    """Return the text with letters for digits if a fifth of its words, at least two, mix both."""
    mixed = sum(1 for _ in _LEET_WORD.finditer(folded))
    if mixed < 2 or 5 * mixed < len(folded.split()):
        return None
    return _LEET_WORD.sub(lambda match: match.group().translate(_LEET), folded)


def _joined_letters(folded: str) -> str | None:
    """Return the text with single letters joined into words; two spaces separate words."""
    if not _LETTER_RUN.search(folded):
        return None

    def join(match: re.Match[str]) -> str:
        return " ".join(re.sub(r"[ .\-_*]", "", word) for word in re.split(r" {2,}", match.group()))

    return _LETTER_RUN.sub(join, folded)


def _rotated(folded: str) -> str | None:
    """Return the text in rot13 if that has clearly more frequent words."""
    turned = codecs.encode(folded, "rot13")
    plain, other = _frequent(folded), _frequent(turned)
    return turned if other >= 3 and other >= 2 * plain + 2 else None


def _frequent(folded: str) -> int:
    return sum(word in _FREQUENT for word in words(folded))

"""Texts in common encodings are read, and other bytes are refused."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_readers import Limits, Unreadable
from septet_readers.decoding import decode
from septet_readers.reading import read

KOREAN = "국립중앙박물관은 대한민국의 대표적인 박물관이다. 용산구에 있으며 많은 유물을 소장하고 있다."
FRENCH = "Les élèves ont réussi à créer un modèle près de la forêt. Où est-il allé après la fête?"
GERMAN = "Die Größe des Gebäudes überraschte alle Gäste, und viele schickten schöne Grüße aus München."
ENGLISH = "The parcel arrives within three days, and returns are free for thirty days."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((KOREAN, e) for e in ("utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be", "utf-32")),
        *((FRENCH, e) for e in ("latin-1", "cp1252", "utf-16-le")),
        *((GERMAN, e) for e in ("latin-1", "utf-16-be")),
        *((ENGLISH, e) for e in ("ascii", "utf-16-le", "utf-16-be")),
    ],
)
def test_a_text_is_decoded(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert 0.5 <= decoded.confidence <= 1


def test_short_korean_of_a_code_page_is_korean() -> None:
    assert decode("배송 안내".encode("cp949")).text == "배송 안내"


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(seed: int) -> None:
    data = random.Random(seed).randbytes(3000)
    with pytest.raises(Unreadable):
        read(data, "notes.txt", Limits())


@given(
    st.binary(max_size=400), st.sampled_from(["a.txt", "a.md", "a.html", "a.csv", "a.eml", "a.ipynb", "a"])
)
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    with suppress(Unreadable):
        content = read(data, name, Limits())
        assert content.text.strip()
        content.text.encode("utf-8")

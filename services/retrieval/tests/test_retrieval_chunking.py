"""Chunking of plain text, Markdown and HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_retrieval.domain.chunking import Limits, chunk
from septet_retrieval.domain.passages import Document, to_passages

SMALL = Limits(target=120, maximum=200, small=40, whole=150)

GUIDE = """---
search: boost
---

# Guide

Intro to the guide.

## Install

Run the installer first. It asks for a folder, and it writes some files to that folder for you to read.

```bash
pip install septet

septet up
```

### Linux

| distro | command |
| --- | --- |
| Debian | apt |
| Fedora | dnf |

## Use

- first item of the list
- second item of the list
"""


def texts(source: str, media_type: str = "text/plain", limits: Limits = SMALL) -> list[str]:
    return [piece.text for piece in chunk(source, media_type, limits=limits)]


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown"])
@given(source=st.text(alphabet="ab .\n#-`|>가다\r\t요", max_size=600))
def test_offsets_match_the_text_and_no_passage_is_too_long(media_type: str, source: str) -> None:
    last = 0
    for piece in chunk(source, media_type, limits=SMALL):
        assert source[piece.start : piece.end] == piece.text
        assert piece.text.strip()
        assert piece.start >= last
        assert len(piece.text) <= SMALL.maximum * 1.2
        last = piece.end


@given(source=st.text(alphabet="ab .\n가다요", max_size=600))
def test_no_word_of_plain_text_is_lost(source: str) -> None:
    kept = "".join(texts(source))
    assert sorted("".join(kept.split())) == sorted("".join(source.split()))


def test_a_short_document_is_one_passage() -> None:
    assert texts("One paragraph.\n\nAnother one.") == ["One paragraph.\n\nAnother one."]


def test_markdown_locations_are_heading_paths() -> None:
    pieces = chunk(GUIDE, "text/markdown", limits=SMALL)
    by_text = {piece.text: piece.location for piece in pieces}
    table = next(text for text in by_text if "Debian" in text)
    assert by_text[table] == "Guide › Install › Linux"
    assert any(location == "Guide › Use" for location in by_text.values())


def test_markdown_code_and_tables_stay_whole_and_front_matter_is_dropped() -> None:
    pieces = texts(GUIDE, "text/markdown")
    assert any("pip install septet\n\nseptet up" in piece for piece in pieces)
    assert any("| Debian | apt |\n| Fedora | dnf |" in piece for piece in pieces)
    assert not any("boost" in piece for piece in pieces)


def test_a_heading_is_not_a_passage_of_its_own() -> None:
    assert not any(
        piece.strip("# ") in ("Guide", "Install", "Linux", "Use") for piece in texts(GUIDE, "text/markdown")
    )


def test_html_is_its_visible_text_with_heading_paths() -> None:
    page = """<html><head><title>T</title></head><body><nav>Menu</nav><h1>Guide</h1><p>Hello <b>bold</b>
    world.</p><script>var x;</script><h2>Code</h2><pre>a = 1\n  b = 2</pre>
    <table><tr><th>k</th><th>v</th></tr><tr><td>x</td><td>1</td></tr></table><!-- no --></body></html>"""
    pieces = chunk(page, "text/html", limits=Limits(target=20, maximum=60, small=5, whole=0))
    joined = "\n".join(piece.text for piece in pieces)
    assert "Hello bold world." in joined
    assert "a = 1\n  b = 2" in joined
    assert "k | v\nx | 1" in joined
    assert not any(word in joined for word in ("Menu", "var x", "no "))
    assert next(piece for piece in pieces if "a = 1" in piece.text).location == "Guide › Code"


def test_long_korean_prose_is_split_between_sentences() -> None:
    sentence = "서울은 대한민국의 수도이자 가장 큰 도시이다."
    for piece in texts(" ".join([sentence] * 20)):
        assert piece.startswith("서울은")
        assert piece.endswith("이다.")


@pytest.mark.parametrize("source", ["", "   \n\n ", "<script>x</script>"])
def test_nothing_visible_gives_no_passage(source: str) -> None:
    assert chunk(source, "text/html") == []


def test_a_location_prefix_comes_first() -> None:
    assert chunk("# A\n\ntext", "text/markdown", "handbook")[0].location == "handbook › A"


def test_a_document_without_a_title_takes_its_first_heading() -> None:
    passages = to_passages(Document("t", "d", GUIDE, media_type="text/markdown", location="docs"), SMALL)
    assert {passage.title for passage in passages} == {"Guide"}


def test_nul_characters_are_replaced_in_place() -> None:
    (passage,) = to_passages(Document("t", "d", "a\x00b c"), Limits())
    assert passage.text == "a b c"


def test_searched_text_repeats_no_title() -> None:
    (plain,) = to_passages(Document("t", "d", "A deque is a queue.", title="Collections"), Limits())
    (own,) = to_passages(Document("t", "d", "collections: a module.", title="Collections"), Limits())
    assert plain.searched_text == "Collections\nA deque is a queue."
    assert own.searched_text == "collections: a module."

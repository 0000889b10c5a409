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
    assert any("distro: Debian; command: apt\ndistro: Fedora; command: dnf" in piece for piece in pieces)
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
    assert "k: x; v: 1" in joined
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


TABLE = """| plan | price per month | storage |
|:--|--:|---|
| **Basic** | 5 USD | 10 GB; shared |
| Team | 12 USD | |
| [Enterprise](/e) | 40 USD | 2 TB |"""
ROWS = """plan: Basic; price per month: 5 USD; storage: 10 GB, shared
plan: Team; price per month: 12 USD
plan: Enterprise; price per month: 40 USD; storage: 2 TB"""


def test_a_table_is_shown_as_rows_in_place_of_its_source() -> None:
    source = f"# Plans\n\nBefore.\n\n{TABLE}\n\nAfter."
    (piece,) = chunk(source, "text/markdown")
    assert piece.text == f"# Plans\n\nBefore.\n\n{ROWS}\n\nAfter."
    assert source[piece.start : piece.end] == source


def test_every_passage_of_a_long_table_has_the_column_names() -> None:
    lines = "\n".join(f"| city {n} | {n} km | {n * 7} |" for n in range(200))
    source = f"# Cities\n\n| name | distance | people |\n|---|---|---|\n{lines}\n\nThe end."
    pieces = chunk(source, "text/markdown")
    assert len(pieces) > 5
    shown = "\n".join(piece.text for piece in pieces)
    for n in range(200):
        assert f"name: city {n}; distance: {n} km; people: {n * 7}" in shown
    for piece in pieces:
        assert len(piece.text) <= Limits().maximum * 1.2
        first, last = piece.text.splitlines()[0], piece.text.splitlines()[-1]
        for line in (first, last):
            if line.startswith("name: city"):
                number = line.split(";")[0].removeprefix("name: city ")
                assert f"| city {number} |" in source[piece.start : piece.end]


def test_html_tables_with_a_header_are_rows() -> None:
    page = "<table><tr><th>plan</th><th>price</th></tr><tr><td>Team</td><td>12 USD</td></tr></table>"
    (piece,) = chunk(page, "text/html")
    assert piece.text == "plan: Team; price: 12 USD"
    (plain,) = chunk(page.replace("th>", "td>"), "text/html")
    assert plain.text == "plan | price\nTeam | 12 USD"


@pytest.mark.parametrize(
    "source", ["| a | b |\n", "| a | b |\n|---|---|\n", "|---|---|\n| a | b |", "a | b\nc | d"]
)
def test_lines_with_bars_that_are_no_table_stay_as_they_are(source: str) -> None:
    (piece,) = chunk(source, "text/markdown")
    assert piece.text == source.strip()


def test_cells_keep_identifiers_and_arithmetic() -> None:
    source = (
        "| name | value | note |\n|---|---|---|\n| max_tokens_json | 2*3 | `__init__` and **bold** _it_ |"
    )
    (piece,) = chunk(source, "text/markdown")
    assert piece.text == "name: max_tokens_json; value: 2*3; note: __init__ and bold it"


def test_html_table_with_row_headers_has_no_column_names() -> None:
    page = "<table><tr><th>Name</th><td>Ann Lee</td></tr><tr><th>Age</th><td>42</td></tr></table>"
    (piece,) = chunk(page, "text/html")
    assert piece.text == "Name | Ann Lee\nAge | 42"

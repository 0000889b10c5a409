"""Each type of file becomes text with its structure."""

from __future__ import annotations

import pytest
from septet_readers import Limits, Readers
from septet_readers.reading import read

from . import samples


def text_of(data: bytes, name: str = "file") -> str:
    return read(data, name, Limits()).text


def test_a_pdf_has_pages_paragraphs_tables_and_columns_in_reading_order() -> None:
    left = "".join(samples.line(40, 700 - 14 * n, f"left column line {n}") for n in range(6))
    right = "".join(samples.line(330, 700 - 14 * n, f"right column line {n}") for n in range(6))
    table = samples.grid(60, 600, [["Country", "Price"], ["Austria", "12 EUR"]])
    second = samples.line(40, 700, "국립중앙박물관은 용산구에 있다", "F2") + table
    content = read(samples.pdf([right + left, second]), "scan.bin", Limits())
    first, last = content.text.split("## Page 2")
    assert first.startswith("## Page 1")
    assert first.index("left column line 5") < first.index("right column line 0")
    assert "국립중앙박물관은 용산구에 있다" in last
    assert "| Country | Price |\n| --- | --- |\n| Austria | 12 EUR |" in last
    assert last.count("Austria") == 1
    assert (content.kind, content.media_type) == ("pdf", "text/markdown")


def test_a_word_that_is_divided_at_the_end_of_a_line_is_joined() -> None:
    page = samples.line(40, 700, "This sentence has a divi-") + samples.line(40, 687, "ded word in it")
    assert "This sentence has a divided word in it" in text_of(samples.pdf([page]))


def test_a_docx_has_headings_and_tables() -> None:
    body = samples.paragraph("Shipping", "Heading1") + samples.paragraph("배송은 3일 걸립니다.")
    content = read(
        samples.docx(body + samples.word_table([["Country", "Price"], ["Austria", "12"]])), "x", Limits()
    )
    assert "<h1>Shipping</h1><p>배송은 3일 걸립니다.</p><table>" in content.text
    assert "<td><p>Austria</p></td><td><p>12</p></td>" in content.text
    assert (content.kind, content.media_type) == ("docx", "text/html")
    assert (content.title, content.author) == ("Terms", "Lee")


def test_a_presentation_has_slides_tables_and_notes() -> None:
    content = read(samples.pptx(), "slides", Limits())
    assert "<h2>Slide 1: 배송 요금</h2>" in content.text
    assert "<tr><th>Country</th><th>Price</th></tr><tr><td>Austria</td><td>12 EUR</td></tr>" in content.text
    assert "Prices are valid until &lt;June&gt; &amp; July." in content.text
    assert content.text.index("Slide 2: Returns") < content.text.index("Within 30 days.")
    assert (content.kind, content.title) == ("pptx", "Shipping")


def test_a_workbook_has_a_table_for_each_sheet() -> None:
    content = read(
        samples.xlsx([["나라", "Price"], ["Austria", 12.5], [None, None], ["a|b", None]]), "p.xlsx", Limits()
    )
    assert content.text == "## Prices\n\n| 나라 | Price |\n| --- | --- |\n| Austria | 12.5 |\n| a\\|b |  |"


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("cp949", "\t"), ("utf-16", ",")]
)
def test_a_table_of_values_becomes_a_table(encoding: str, delimiter: str) -> None:
    rows = [["나라", "요금"], ["오스트리아", "12유로"], ["독일", "10유로"]]
    data = "\r\n".join(delimiter.join(row) for row in rows).encode(encoding)
    assert text_of(data, "prices.csv").splitlines()[0::2] == ["| 나라 | 요금 |", "| 오스트리아 | 12유로 |"]


def test_a_book_has_its_chapters_in_the_order_of_the_spine() -> None:
    content = read(samples.epub(["<h1>First</h1><p>하나</p>", "<h1>Second</h1>"]), "book", Limits())
    assert content.text.index("하나") < content.text.index("Second")
    assert (content.kind, content.title, content.author) == ("epub", "A book", "Kim")


def test_a_message_has_its_headers_and_names_its_attachments() -> None:
    data = (
        b"From: kim@example.com\r\nTo: lee@example.com\r\nSubject: =?utf-8?b?67Cw7Iah?=\r\n"
        b"Date: Mon, 30 Nov 2026 10:00:00 +0900\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe parcel arrives on Monday.\r\n"
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n"
    )
    content = read(data, "mail.eml", Limits())
    assert content.text.startswith("From: kim@example.com\nTo: lee@example.com\n")
    assert "The parcel arrives on Monday." in content.text
    assert (content.title, content.created) == ("배송", "2026-11-30T10:00:00+09:00")
    assert content.warnings == ("its attachments are not read: a.pdf",)


def test_a_notebook_has_text_and_code() -> None:
    content = read(samples.notebook(("markdown", "# Title\n설명"), ("code", "print(1)")), "n.ipynb", Limits())
    assert content.text == "# Title\n설명\n\n```python\nprint(1)\n```"
    assert content.title == "Title"


def test_a_page_keeps_its_markup_and_its_declared_encoding() -> None:
    page = '<html><head><meta charset="euc-kr"><title>박물관</title></head><body><p>용산구</p></body></html>'
    content = read(page.encode("cp949"), "page.html", Limits())
    assert (content.title, content.encoding, content.confidence) == ("박물관", "cp949", 1.0)
    assert "<p>용산구</p>" in content.text


def test_source_code_is_text() -> None:
    assert text_of(b"def f():\n    return 1\n", "a.py") == "def f():\n    return 1\n"


async def test_a_process_reads_files_of_all_types_one_after_the_other(readers: Readers) -> None:
    files = {
        "a.md": "# 제목\n글".encode(),
        "b": samples.pptx(),
        "c.csv": b"a,b\n1,2\n",
        "d": samples.epub(["<p>x</p>"]),
    }
    kinds = [(await readers.read(data, name)).kind for name, data in files.items()]
    assert kinds == ["markdown", "pptx", "csv", "epub"]

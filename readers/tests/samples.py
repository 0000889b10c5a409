"""Small files of each type."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence

from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return made.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def docx(body: str, prolog: str = "") -> bytes:
    """A DOCX file with this WordprocessingML."""
    return archive(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument'
            '.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
            "docProps/core.xml": '<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Terms</dc:title>'
            "<dc:creator>Lee</dc:creator></p>",
            "word/document.xml": f'{prolog}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        }
    )


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of WordprocessingML."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of WordprocessingML."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def pptx() -> bytes:
    """A presentation of two slides with a table and notes."""
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "배송 요금"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(5), Inches(1)).table
    for row, values in enumerate((("Country", "Price"), ("Austria", "12 EUR"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    slide.notes_slide.notes_text_frame.text = "Prices are valid until <June> & July."
    second = presentation.slides.add_slide(presentation.slide_layouts[1])
    second.shapes.title.text = "Returns"
    second.placeholders[1].text = "Within 30 days."
    presentation.core_properties.title = "Shipping"
    made = io.BytesIO()
    presentation.save(made)
    return made.getvalue()


def xlsx(rows: Sequence[Sequence[object]], sheet: str = "Prices") -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    assert book.active is not None
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def epub(chapters: Sequence[str]) -> bytes:
    """A book."""
    items = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>A book</dc:title>'
            f"<dc:creator>Kim</dc:creator></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{
                f"OEBPS/text/c {n}.xhtml": f"<html><head><title>t</title></head><body>{text}</body></html>"
                for n, text in enumerate(chapters)
            },
        }
    )


def notebook(*cells: tuple[str, str]) -> bytes:
    """A notebook of cells with their types."""
    made = [{"cell_type": kind, "source": [text], "outputs": []} for kind, text in cells]
    return json.dumps({"cells": made, "metadata": {"kernelspec": {"language": "python"}}}).encode()


def pdf(pages: Sequence[str], encrypt: str = "", fonts: str = "") -> bytes:
    """A PDF whose pages have these content streams. F1 is Helvetica, F2 a Korean font that readers have."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{6 + 2 * n} 0 R' for n in range(len(pages)))}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /HYSMyeongJo-Medium /Encoding /UniKS-UCS2-H "
        "/DescendantFonts [5 0 R] >>",
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HYSMyeongJo-Medium /CIDSystemInfo "
        "<< /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >> /DW 1000 >>",
    ]
    for number, stream in enumerate(pages):
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents "
            f"{7 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    made, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += "".join(f"{offset:010} 00000 n \n" for offset in offsets).encode()
    made += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {encrypt}>>\nstartxref\n{start}\n%%EOF".encode()
    )
    return bytes(made)


def line(x: int, y: int, text: str, font: str = "F1") -> str:
    """A line of text at a place of the page, in points from the lower left corner."""
    shown = f"<{text.encode('utf-16-be').hex()}>" if font == "F2" else f"({text})"
    return f"BT /{font} 11 Tf {x} {y} Td {shown} Tj ET\n"


def grid(x: int, y: int, rows: Sequence[Sequence[str]], width: int = 120, height: int = 24) -> str:
    """A table with ruled cells, from the upper left corner."""
    right, bottom = x + width * len(rows[0]), y - height * len(rows)
    drawn = [f"{x} {y - height * n} m {right} {y - height * n} l S" for n in range(len(rows) + 1)]
    drawn += [f"{x + width * n} {y} m {x + width * n} {bottom} l S" for n in range(len(rows[0]) + 1)]
    texts = [
        line(x + width * c + 4, y - height * r - 16, cell)
        for r, row in enumerate(rows)
        for c, cell in enumerate(row)
    ]
    return "\n".join(drawn) + "\n" + "".join(texts)

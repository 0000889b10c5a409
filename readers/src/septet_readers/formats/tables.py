"""Tables: CSV, TSV and XLSX. They become tables of Markdown, whose rows the chunker repeats with their header."""

from __future__ import annotations

import csv
import io
from pathlib import PurePath

from septet_readers.content import Content, Unreadable
from septet_readers.decoding import decode
from septet_readers.formats.markdown import table
from septet_readers.limits import Limits

_SAMPLE = 16_384
_LONGEST_CELL = 1_000_000


def read_csv(data: bytes, name: str, limits: Limits) -> Content:
    """A table; the delimiter is found in the first lines."""
    decoded = decode(data)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(decoded.text[:_SAMPLE], ",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if name.lower().endswith(".tsv") else csv.excel
    try:
        lines = list(table(csv.reader(io.StringIO(decoded.text, newline=""), dialect)))
    except csv.Error as error:
        raise Unreadable(f"it is no table of values: {error}", "export it again") from error
    return Content(
        "\n".join(lines),
        "text/markdown",
        "csv",
        PurePath(name).stem,
        encoding=decoded.encoding,
        confidence=decoded.confidence,
    )


def read_xlsx(data: bytes, name: str, limits: Limits) -> Content:
    """The values of each sheet as a table, below a heading with the sheet's name."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    parts: list[str] = []
    length = 0
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        lines = []
        # A sheet may declare a million empty rows; its cells count, not its declared size.
        sheet.reset_dimensions()
        for line in table(sheet.iter_rows(values_only=True)):
            lines.append(line)
            length += len(line)
            if length > limits.characters:
                raise Unreadable(
                    f"its text is longer than {limits.characters:,} characters", "divide the file"
                )
        if lines:
            parts += [f"## {sheet.title}", "\n".join(lines)]
    properties = book.properties
    created = properties.created.isoformat() if properties.created else ""
    return Content(
        "\n\n".join(parts),
        "text/markdown",
        "xlsx",
        properties.title or PurePath(name).stem,
        properties.creator or "",
        created,
    )

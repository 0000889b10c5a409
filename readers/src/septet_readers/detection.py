"""The type of a file by its content. The name decides only among types of text."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePath

from septet_readers.content import Unreadable
from septet_readers.limits import MIB, Limits

_BINARY = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "rar"),
    (b"{\\rtf", "rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"SQLite format 3\x00", "sqlite"),
)
_PARTS = (("word/document.xml", "docx"), ("ppt/presentation.xml", "pptx"), ("xl/workbook.xml", "xlsx"))
_UNREADABLE = {
    "ole": (
        "an Office file of before 2007, or one with a password",
        "save it as DOCX, PPTX or XLSX without a password",
    ),
    "rtf": ("an RTF file", "save it as DOCX"),
    "png": ("an image", "recognise its text first (OCR)"),
    "jpeg": ("an image", "recognise its text first (OCR)"),
    "gif": ("an image", "recognise its text first (OCR)"),
    "zip": ("an archive without a document", "unpack it and ingest its folder"),
    "gzip": ("a compressed file", "unpack it first"),
    "7z": ("an archive", "unpack it and ingest its folder"),
    "rar": ("an archive", "unpack it and ingest its folder"),
    "program": ("a program", ""),
    "sqlite": ("a database", "export its tables as CSV"),
}
MARKUP = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "csv",
    ".tsv": "csv",
    ".eml": "email",
    ".ipynb": "notebook",
}
_HEAD = 4096


def kind_of(data: bytes, name: str, limits: Limits) -> str:
    """The type of a file.

    Raises:
        Unreadable: the type has no reader, or the archive is too large after decompression.
    """
    head = data[:_HEAD]
    # Readers of PDF accept leading bytes before the header.
    if b"%PDF-" in head[:1024]:
        return "pdf"
    kind = next((kind for start, kind in _BINARY if head.startswith(start)), "")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = _kind_of_archive(data, limits)
    if kind in _UNREADABLE:
        what, fix = _UNREADABLE[kind]
        raise Unreadable(f"it is {what}", fix)
    return kind or _kind_of_text(head, name)


def _kind_of_archive(data: bytes, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            unpacked = sum(entry.file_size for entry in entries)
            if any(entry.flag_bits & 1 for entry in entries):
                raise Unreadable("its parts are encrypted", "save it without a password")
            epub = "mimetype" in names and archive.read("mimetype")[:64].strip() == b"application/epub+zip"
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise Unreadable(f"the archive is damaged: {error}", "save the file again") from error
    kind = next((kind for part, kind in _PARTS if part in names), "epub" if epub else "zip")
    if kind != "zip" and unpacked > limits.unpacked_mib * MIB:
        message = (
            f"its parts have {unpacked // MIB} MiB after decompression; the limit is {limits.unpacked_mib}"
        )
        raise Unreadable(message, "divide the file")
    return kind


def _kind_of_text(head: bytes, name: str) -> str:
    ending = PurePath(name).suffix.lower()
    if ending in MARKUP:
        return MARKUP[ending]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    return "html" if start.startswith((b"<!doctype html", b"<html")) else "text"

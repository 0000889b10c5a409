"""EPUB: the chapters of a book in their order."""

from __future__ import annotations

import io
import posixpath
import zipfile
from urllib.parse import unquote

from defusedxml import ElementTree

from septet_readers.content import Content, Unreadable
from septet_readers.decoding import decode
from septet_readers.limits import Limits

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}rootfile"
_OPF = "{http://www.idpf.org/2007/opf}"
_DC = "{http://purl.org/dc/elements/1.1/}"


def read_epub(data: bytes, name: str, limits: Limits) -> Content:
    """The XHTML of the chapters, joined in the order of the spine."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
            package_path = next(container.iter(_CONTAINER)).attrib["full-path"]
            package = ElementTree.fromstring(archive.read(package_path))
        except (KeyError, StopIteration) as error:
            raise Unreadable(f"the EPUB has no package document: {error}", "export it again") from error
        items = {item.get("id"): item.get("href", "") for item in package.iter(f"{_OPF}item")}
        chapters = []
        for reference in package.iter(f"{_OPF}itemref"):
            path = posixpath.join(
                posixpath.dirname(package_path), unquote(items.get(reference.get("idref"), ""))
            )
            if path in archive.namelist():
                chapters.append(decode(archive.read(path)).text)
    title, author = (package.findtext(f".//{_DC}{field}", "") for field in ("title", "creator"))
    # Each chapter is a page of its own with a head, which the chunker leaves out.
    return Content(
        "\n".join(chapters), "text/html", "epub", title, author, package.findtext(f".//{_DC}date", "")
    )

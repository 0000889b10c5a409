"""Damaged and hostile files give a reason, and harm no other file."""

from __future__ import annotations

import asyncio
import json
import zipfile

import pytest
from septet_readers import Limits, Readers, Unreadable
from septet_readers.reading import read

from . import samples

GOOD = b"# Title\ntext"
ENTITIES = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(9))
    + "]>"
)


def refused(data: bytes, name: str = "f", limits: Limits | None = None) -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, name, limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "an image"),
        (b"MZ" + b"\x00" * 50, "a program"),
        (b"\x1f\x8b\x08" + b"x" * 50, "compressed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 50, "before 2007"),
        (b"%PDF-1.4 nothing more", "damaged"),
        (b"PK\x03\x04 nothing more", "damaged"),
        (samples.archive({"a.txt": "x"}), "an archive without a document"),
        (samples.archive({"word/document.xml": "<x"}), "damaged"),
        (samples.archive({"xl/workbook.xml": "<x/>"}), "damaged"),
        (samples.archive({"ppt/presentation.xml": "<x/>"}), "damaged"),
        (samples.archive({"mimetype": "application/epub+zip"}), "no package document"),
        (samples.pdf([""]), "it has no text"),
        (samples.docx(""), "it has no text"),
        (samples.xlsx([]), "it has no text"),
    ],
)
def test_a_file_without_text_gives_the_reason(data: bytes, reason: str) -> None:
    assert reason in refused(data)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    "data", [samples.pptx(), samples.xlsx([["a", "b"]] * 50), samples.epub(["<p>x</p>"] * 9)]
)
def test_a_truncated_archive_is_refused(data: bytes, cut: float) -> None:
    refused(data[: int(len(data) * cut)])


def test_entities_are_not_expanded() -> None:
    assert "damaged" in refused(samples.docx(samples.paragraph("&j;"), f"{ENTITIES}"))
    book = samples.archive(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": f"{ENTITIES}<l>&j;</l>"}
    )
    assert "Entities" in refused(book)


def test_an_archive_that_grows_beyond_the_limit_is_refused_before_it_is_unpacked() -> None:
    bomb = samples.archive({"word/document.xml": b"\x00" * (30 * 2**20)})
    assert len(bomb) < 100_000
    assert "30 MiB after decompression" in refused(bomb, limits=Limits(unpacked_mib=20))


def test_a_declared_size_that_lies_does_not_help() -> None:
    data = bytearray(samples.docx(samples.paragraph("x" * 5_000_000)))
    # The central directory and the local header have the size after decompression.
    for name in (b"PK\x01\x02", b"PK\x03\x04"):
        at = data.rfind(name, 0, data.rfind(b"word/document.xml") if name == b"PK\x03\x04" else len(data))
        offset = 24 if name == b"PK\x01\x02" else 22
        data[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    with pytest.raises((Unreadable, zipfile.BadZipFile)):
        read(bytes(data), "f", Limits())


def test_too_many_pages_are_refused() -> None:
    assert "it has 30 pages; the limit is 20" in refused(
        samples.pdf([samples.line(1, 1, "x")] * 30), limits=Limits(pages=20)
    )


def test_pages_that_are_images_are_named() -> None:
    image = "q 100 0 0 100 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q\n"
    assert "all 2 pages are images" in refused(samples.pdf([image, image]))
    content = read(samples.pdf([samples.line(40, 700, "A page with text"), image]), "f", Limits())
    assert content.warnings == ("1 pages are images without text (page 2)",)


def test_a_deep_notebook_is_refused() -> None:
    assert "it is no notebook" in refused(b"[" * 100_000, "n.ipynb")
    assert "it is no notebook" in refused(json.dumps({"cells": [1]}).encode(), "n.ipynb")


def test_nul_and_surrogates_are_replaced() -> None:
    data = json.dumps({"cells": [{"cell_type": "markdown", "source": "a\x00b \ud800 c"}]}).encode()
    assert read(data, "n.ipynb", Limits()).text == "a b \ufffd c"


async def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_read() -> None:
    pages = samples.pdf(["".join(samples.line(40, y, "word " * 12) for y in range(10, 790, 4))] * 300)
    async with Readers(Limits(seconds=1.5)) as readers:
        with pytest.raises(Unreadable, match=r"longer than 1\.5 s"):
            await readers.read(pages, "f")
        assert (await readers.read(GOOD, "a.md")).title == "Title"


async def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_one_is_read() -> None:
    text = b"word " * 20_000_000
    async with Readers(Limits(seconds=60, memory_mib=260)) as readers:
        with pytest.raises(Unreadable, match="260 MiB of memory"):
            await readers.read(text, "a.txt")
        assert (await readers.read(GOOD, "a.md")).title == "Title"


async def test_a_reader_that_is_killed_gives_a_reason_and_the_next_file_is_read(readers: Readers) -> None:
    await readers.read(GOOD, "a.md")
    [process] = readers._all
    assert process._child is not None
    process._child.kill()
    with pytest.raises(Unreadable, match=r"crashed \(exit code -9\)"):
        await readers.read(GOOD, "a.md")
    assert (await readers.read(GOOD, "a.md")).title == "Title"


async def test_a_cancelled_file_does_not_answer_the_next_one(readers: Readers) -> None:
    reading = asyncio.create_task(readers.read(samples.pdf([samples.line(40, 700, "slow")] * 200), "f"))
    await asyncio.sleep(0.3)
    reading.cancel()
    assert (await readers.read(GOOD, "a.md")).kind == "markdown"


async def test_a_process_has_no_secrets_and_cannot_write(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM_API_KEY", "secret")
    await readers.read(GOOD, "a.md")
    [process] = readers._all
    assert process._child is not None
    with open(f"/proc/{process._child.pid}/environ", "rb") as environment:  # noqa: ASYNC230, PTH123
        assert b"secret" not in environment.read()
    with open(f"/proc/{process._child.pid}/limits") as limits:  # noqa: ASYNC230, PTH123
        assert any(line.split()[:4] == ["Max", "file", "size", "0"] for line in limits)

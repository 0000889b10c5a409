"""Limits of one file."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one file.

    Attributes:
        seconds: time to read it.
        memory_mib: address space of the process that reads it, MiB.
        file_mib: size of the file, MiB.
        unpacked_mib: size of the parts of an archive (DOCX, PPTX, XLSX, EPUB) after decompression, MiB.
        pages: pages of a PDF, slides of a presentation.
        characters: characters of the text.
    """

    seconds: float = 120.0
    memory_mib: int = 2048
    file_mib: int = 100
    unpacked_mib: int = 400
    pages: int = 3000
    characters: int = 20_000_000

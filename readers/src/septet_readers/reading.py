"""Reads one file in this process, without limits of time and memory."""

from __future__ import annotations

from dataclasses import replace

from septet_readers.content import Content, Unreadable
from septet_readers.detection import kind_of
from septet_readers.formats import reader_of
from septet_readers.limits import MIB, Limits

# Lone surrogates and NUL characters cannot be stored.
_REPLACED = {0: " ", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def read(data: bytes, name: str, limits: Limits) -> Content:
    """The content of a file.

    Args:
        data: the bytes of the file.
        name: its name; it decides only among types of text.
        limits: limits of size. Time and memory are limited by the process.

    Raises:
        Unreadable: the file is empty, too large, damaged, of a type without a reader, or has no text.
    """
    if not data.strip():
        raise Unreadable("the file is empty")
    if len(data) > limits.file_mib * MIB:
        raise Unreadable(f"it has {len(data) // MIB} MiB; the limit is {limits.file_mib}", "divide the file")
    kind = kind_of(data, name, limits)
    try:
        content = reader_of(kind)(data, name, limits)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise Unreadable(
            f"the file ({kind}) is damaged: {reason[:300]}", "save or export it again"
        ) from error
    if not content.text.strip():
        raise Unreadable("it has no text")
    if len(content.text) > limits.characters:
        raise Unreadable(f"its text is longer than {limits.characters:,} characters", "divide the file")
    return replace(
        content,
        text=content.text.translate(_REPLACED),
        title=" ".join(content.title.translate(_REPLACED).split()),
        author=" ".join(content.author.translate(_REPLACED).split()),
    )

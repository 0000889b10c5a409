"""What a reader returns, and its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MediaType = Literal["text/plain", "text/markdown", "text/html"]


@dataclass(frozen=True)
class Content:
    """Text of a file.

    Attributes:
        text: the text, in the form that ``media_type`` names.
        media_type: form of the text.
        kind: type of the file, as ``pdf``.
        title: title in the file; empty if it has none.
        author: author in the file; empty if it has none.
        created: time of creation in the file, ISO 8601; empty if it has none.
        encoding: encoding of a text file; empty for other files.
        confidence: confidence in the encoding, 0 to 1.
        warnings: what could not be read, one sentence each.
    """

    text: str
    media_type: MediaType = "text/plain"
    kind: str = "text"
    title: str = ""
    author: str = ""
    created: str = ""
    encoding: str = ""
    confidence: float = 1.0
    warnings: tuple[str, ...] = ()


class Unreadable(Exception):
    """A file has no text that can be indexed. The message is the reason; ``fix`` is what the user can do."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

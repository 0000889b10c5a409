"""Incremental decoder of server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations


class EventDecoder:
    """Decodes the ``data`` field of complete events and ignores other fields.

    An incomplete event at the end of the stream is dropped.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that end in ``piece``, in order."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").removesuffix(b"\r"))
            elif line in (b"", b"\r") and self._data:
                found.append(b"\n".join(self._data))
                self._data = []
        return found

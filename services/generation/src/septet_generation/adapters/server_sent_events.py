"""Server-sent events (WHATWG HTML, 9.2): the data of each event, whatever pieces the bytes come in."""

from __future__ import annotations


class EventDecoder:
    """Takes bytes in and gives the data of the events that are complete; other fields are left out.

    An event that the stream breaks off in is never given.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in ``piece``, in order."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").removesuffix(b"\r"))
            elif line in (b"", b"\r") and self._data:
                found.append(b"\n".join(self._data))
                self._data = []
        return found

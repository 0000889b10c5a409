"""The process that reads files for its parent: ``python -m septet_readers.worker``.

Files are hostile: a parser may hang, need all memory, or crash. The process has limits of memory and CPU time, inherits no
secrets, and cannot write to files. The parent ends it when a file takes too long.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from septet_readers.content import Unreadable
from septet_readers.frames import PREFIX, frame
from septet_readers.limits import MIB, Limits
from septet_readers.reading import read

OUT_OF_MEMORY = 71


def main() -> None:
    """Read files until the parent closes the input."""
    # Libraries print warnings; they must not mix with the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while (request := _receive(sys.stdin.buffer)) is not None:
        header, data = request
        limits = Limits(**header["limits"])
        _restrict(limits)
        try:
            reply: dict[str, Any] = {"content": asdict(read(data, header["name"], limits))}
        except Unreadable as error:
            reply = {"reason": str(error), "fix": error.fix}
        except MemoryError:
            # What the file has allocated may still be referenced: a new process reads the next file.
            os._exit(OUT_OF_MEMORY)
        replies.write(frame(reply))
        replies.flush()


def _restrict(limits: Limits) -> None:
    memory = limits.memory_mib * MIB
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    # The parent measures time on the clock. This limit ends the process if the parent is gone.
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + 2 * limits.seconds) + 1, resource.RLIM_INFINITY))


def _receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    prefix = stream.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_length, length = PREFIX.unpack(prefix)
    header, data = stream.read(header_length), stream.read(length)
    return (json.loads(header), data) if len(data) == length else None


if __name__ == "__main__":
    main()

"""Reads files in processes with limits of time and memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from septet_readers.content import Content, Unreadable
from septet_readers.frames import PREFIX, frame
from septet_readers.limits import Limits
from septet_readers.worker import OUT_OF_MEMORY

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


class Readers:
    """Reads files, each in one of several processes. Closing it ends the processes.

    A process serves many files. One that exceeds a limit or crashes is replaced for the next file.
    """

    def __init__(self, limits: Limits | None = None, processes: int = 1) -> None:
        self._limits = limits or Limits()
        self._idle: asyncio.LifoQueue[_Process] = asyncio.LifoQueue()
        self._all = [_Process() for _ in range(processes)]
        for process in self._all:
            self._idle.put_nowait(process)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(process.end() for process in self._all))

    async def read(self, data: bytes, name: str) -> Content:
        """The content of a file.

        Raises:
            Unreadable: the file has no text that can be indexed, or exceeds a limit.
        """
        process = await self._idle.get()
        try:
            return await process.read(data, name, self._limits)
        finally:
            self._idle.put_nowait(process)


class _Process:
    """A process, which starts with its first file."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None

    async def read(self, data: bytes, name: str, limits: Limits) -> Content:
        child = await self._started()
        request = frame({"name": name, "limits": asdict(limits)}, data)
        try:
            reply = await asyncio.wait_for(_exchange(child, request), limits.seconds)
        except TimeoutError:
            await self.end()
            raise Unreadable(
                f"reading it takes longer than {limits.seconds:g} s", "divide the file"
            ) from None
        except (OSError, asyncio.IncompleteReadError):
            raise Unreadable(*_cause(await self.end(), limits)) from None
        except BaseException:
            # The reply of a file that nobody waits for must not answer the next one.
            await self.end()
            raise
        if "content" not in reply:
            raise Unreadable(reply["reason"], reply["fix"])
        fields = reply["content"]
        return Content(**{**fields, "warnings": tuple(fields["warnings"])})

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-m",
                "septet_readers.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
        return self._child

    async def end(self) -> int | None:
        """End the process; return its exit code, None if there is none."""
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            # A process that has already ended keeps its own exit code, which names the cause.
            return (
                await asyncio.wait_for(child.wait(), 0.2)
                if child.stdout and child.stdout.at_eof()
                else await _kill(child)
            )
        except TimeoutError:
            return await _kill(child)


async def _kill(child: asyncio.subprocess.Process) -> int:
    if child.returncode is None:
        child.kill()
    return await child.wait()


async def _exchange(child: asyncio.subprocess.Process, request: bytes) -> dict[str, Any]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(request)
    await child.stdin.drain()
    header_length, _ = PREFIX.unpack(await child.stdout.readexactly(PREFIX.size))
    reply: dict[str, Any] = json.loads(await child.stdout.readexactly(header_length))
    return reply


def _cause(code: int | None, limits: Limits) -> tuple[str, str]:
    if code == OUT_OF_MEMORY:
        return f"reading it needs more than {limits.memory_mib} MiB of memory", "divide the file"
    return f"its reader crashed (exit code {code})", "save or export it again"

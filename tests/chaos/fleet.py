"""The services of a run, as processes that a scenario may kill, stop, scale and sabotage."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")


@dataclass
class Member:
    """One instance of a service. It is started again at once whenever it ends, until it is retired."""

    service: str
    index: int
    env: Mapping[str, str]
    log: Path
    argv: tuple[str, ...]
    port: int = 0
    restarts: int = 0
    keep: bool = True
    process: asyncio.subprocess.Process | None = None
    watcher: asyncio.Task[None] | None = None
    recovery_s: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.service}-{self.index}"

    @property
    def pid(self) -> int:
        """Of the running process.

        Raises:
            ProcessLookupError: it does not run at the moment.
        """
        if self.process is None or self.process.returncode is not None:
            raise ProcessLookupError(self.name)
        return self.process.pid

    async def start(self) -> None:
        """Start it and watch over it; does not wait until it is ready."""
        await self._spawn()
        self.watcher = asyncio.create_task(self._watch())

    async def ready(self, timeout_s: float = 60) -> None:
        """Wait until ``/readyz`` answers 200.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(timeout_s), httpx.AsyncClient(timeout=2) as http:
            while True:
                with suppress(httpx.HTTPError):
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False when it does not run just now."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    async def retire(self, grace_s: float = 25) -> int | None:
        """End it for good, politely first; returns its exit code."""
        self.keep = False
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self.process is not None:
            try:
                await asyncio.wait_for(self.process.wait(), grace_s)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        if self.watcher is not None:
            self.watcher.cancel()
            await asyncio.gather(self.watcher, return_exceptions=True)
        return self.process.returncode if self.process is not None else None

    async def _spawn(self) -> None:
        self.port = _free_port()
        own = {"SEPTET_HEALTH_PORT": str(self.port), "SEPTET_INSTANCE": self.name}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.env, **own}
            )  # fmt: skip

    async def _watch(self) -> None:
        while True:
            assert self.process is not None
            await self.process.wait()
            if not self.keep:
                return
            ended = time.monotonic()
            self.restarts += 1
            await self._spawn()
            with suppress(TimeoutError):
                await self._recovered(ended)

    async def _recovered(self, ended: float) -> None:
        assert self.process is not None
        waiting = asyncio.create_task(self.ready())
        dying = asyncio.create_task(self.process.wait())
        await asyncio.wait({waiting, dying}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and waiting.exception() is None:
            self.recovery_s.append(time.monotonic() - ended)
        for task in (waiting, dying):
            task.cancel()
        await asyncio.gather(waiting, dying, return_exceptions=True)


class Fleet:
    """All members. ``environment(service)`` is what one instance of a service runs with."""

    def __init__(self, logs: Path, environment: Mapping[str, Mapping[str, str]]) -> None:
        self._logs = logs
        self._environment = environment
        self.members: list[Member] = []
        logs.mkdir(parents=True, exist_ok=True)

    async def start(self, faults: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Start one of each service; ``faults`` names the sabotaged ones, with the arguments of the saboteur."""
        faults = faults or {}
        for service in SERVICES:
            await self.add(service, faults.get(service))
        await self.ready()

    async def add(
        self, service: str, fault: tuple[str, ...] | None = None, env: Mapping[str, str] | None = None
    ) -> Member:
        """Start one more instance of a service."""
        taken = {m.index for m in self.members if m.service == service and m.keep}
        index = next(i for i in range(100) if i not in taken)
        argv: tuple[str, ...] = (sys.executable, "-m", f"septet_{service}")
        if fault is not None:
            argv = (sys.executable, "-m", "tests.chaos.saboteur", service, *fault)
        member = Member(
            service, index, {**self._environment[service], **(env or {})}, self._logs / f"{service}-{index}.log", argv
        )  # fmt: skip
        await member.start()
        self.members.append(member)
        return member

    async def ready(self, timeout_s: float = 90) -> None:
        """Wait until every member is ready."""
        await asyncio.gather(*(m.ready(timeout_s) for m in self.members if m.keep))

    def of(self, service: str) -> list[Member]:
        """The running members of a service."""
        return [m for m in self.members if m.service == service and m.keep]

    def rss_mb(self) -> dict[str, float]:
        """Resident memory per member, in MiB."""
        found = {}
        for member in self.members:
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                found[member.name] = psutil.Process(member.pid).memory_info().rss / 2**20
        return found

    async def stop(self) -> dict[str, int | None]:
        """End all; returns the exit codes."""
        codes = await asyncio.gather(*(m.retire() for m in self.members))
        return {m.name: code for m, code in zip(self.members, codes, strict=True)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

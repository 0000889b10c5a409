"""The services of a run, as processes that a scenario may kill, stop, scale and sabotage."""

from __future__ import annotations

import asyncio
import os
import re
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
    """One instance of a service. It is started again at once whenever it ends, until it is retired.

    Its process finds the number of its life, from 0, in ``CHAOS_LIFE``.

    Attributes:
        argv: of the next process; a scenario may change it.
        recovery_s: from each end to being ready again with its partitions, in seconds.
        interrupted: lives that ended before they were ready.
    """

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
    interrupted: int = 0

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

    async def reborn(self, argv: tuple[str, ...]) -> None:
        """Kill it and run ``argv`` from then on; returns when that has been started, not when it is ready."""
        before, self.argv = self.restarts, argv
        self.signal(signal.SIGKILL)
        while self.restarts == before:  # noqa: ASYNC110 - a process, not a task
            await asyncio.sleep(0.05)

    def log_from(self, offset: int = 0) -> str:
        """What its lives have logged, from a byte of the file on."""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")

    def stopped(self) -> bool:
        """Whether its process is stopped (SIGSTOP)."""
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

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
        own = {
            "SEPTET_HEALTH_PORT": str(self.port),
            "SEPTET_INSTANCE": self.name,
            "CHAOS_LIFE": str(self.restarts),
        }
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env, **own},
            )

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
        else:
            self.interrupted += 1
        for task in (waiting, dying):
            task.cancel()
        await asyncio.gather(waiting, dying, return_exceptions=True)


def intact(service: str) -> tuple[str, ...]:
    """How a service is run."""
    return (sys.executable, "-m", f"septet_{service}")


def sabotaged(service: str, *fault: str) -> tuple[str, ...]:
    """How a service is run with a fault; ``fault`` are the arguments of the saboteur after the service."""
    return (sys.executable, "-m", "tests.chaos.saboteur", service, *fault)


def relaying() -> tuple[str, ...]:
    """How the service is run that only hands requests on."""
    return (sys.executable, "-m", "tests.support.relay")


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
        argv = intact(service) if fault is None else sabotaged(service, *fault)
        member = Member(
            service,
            index,
            {**self._environment[service], **(env or {})},
            self._logs / f"{service}-{index}.log",
            argv,
        )
        await member.start()
        self.members.append(member)
        return member

    async def ready(self, timeout_s: float = 90) -> None:
        """Wait until every member is ready."""
        await asyncio.gather(*(m.ready(timeout_s) for m in self.members if m.keep))

    def of(self, service: str) -> list[Member]:
        """The running members of a service."""
        return [m for m in self.members if m.service == service and m.keep]

    async def gauge(self, service: str, name: str) -> float:
        """The sum of a Prometheus metric over the running members of a service, all labels together.

        Raises:
            httpx.HTTPError: one does not answer.
        """
        total = 0.0
        async with httpx.AsyncClient(timeout=5) as http:
            for member in self.of(service):
                text = (await http.get(f"http://127.0.0.1:{member.port}/metrics")).text
                lines = (line for line in text.splitlines() if re.match(rf"{name}[{{ ]", line))
                total += sum(float(line.rsplit(" ", 1)[1]) for line in lines)
        return total

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

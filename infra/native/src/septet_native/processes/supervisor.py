"""Supervision of one process: start, watch, restart with backoff, stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from septet_native.errors import StackError
from septet_native.processes.health import Probe, wait_healthy
from septet_native.processes.process import Command, Process
from septet_native.processes.process_state import ProcessState

FIRST_BACKOFF, LAST_BACKOFF = 0.5, 15.0
# A process that ran this long was healthy: its next restart begins with the first backoff.
HEALTHY_AFTER = 60.0


@dataclass(frozen=True)
class Spec:
    """What to supervise.

    Attributes:
        kind: ``server`` or ``service``.
        command: the command that runs it.
        probe: returns whether it is healthy.
        port: shown in the status.
    """

    kind: str
    command: Command
    probe: Probe
    port: int | None


class Supervised:
    """One supervised process.

    Args:
        spec: what to supervise.
        run_dir: directory of the pid records.
        timeout: how long it may take to become healthy.
        changed: called after each change of state.
    """

    def __init__(self, spec: Spec, run_dir: Path, timeout: timedelta, changed: Callable[[], None]) -> None:
        self.spec = spec
        self._run_dir = run_dir
        self._timeout = timeout
        self._changed = changed
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._state = "stopped"
        self._restarts = 0

    @property
    def name(self) -> str:
        """Name of the process."""
        return self.spec.command.name

    async def start(self) -> None:
        """Start the process, wait until it is healthy, and restart it from then on when it ends.

        Raises:
            ServerFailed: it ended or did not become healthy in time; it is stopped.
        """
        try:
            await self._launch()
        except BaseException:
            await self._end("failed")
            raise
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch-{self.name}")

    async def stop(self) -> None:
        """Stop the watch, then the process."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self._end("stopped")

    def status(self, *, memory: bool = True) -> ProcessState:
        """Current state of the process; measuring *memory* takes a few milliseconds."""
        process = self._process
        running = process is not None and process.returncode is None
        return ProcessState(
            name=self.name,
            kind=self.spec.kind,
            pid=process.pid if process is not None and running else None,
            state=self._state,
            port=self.spec.port,
            log=str(self.spec.command.log),
            rss_mb=process.rss_mb() if process is not None and running and memory else 0.0,
            restarts=self._restarts,
        )

    async def _launch(self) -> None:
        self._set("starting" if self._restarts == 0 else "restarting")
        self._process = await Process.spawn(self.spec.command, self._run_dir)
        await wait_healthy(self._process, self.spec.probe, self._timeout)
        self._set("ready")

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = FIRST_BACKOFF
        while True:
            began = loop.time()
            if self._process is not None:
                await self._process.wait()
            if loop.time() - began > HEALTHY_AFTER:
                backoff = FIRST_BACKOFF
            self._restarts += 1
            self._set("restarting")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LAST_BACKOFF)
            try:
                await self._launch()
            except StackError:
                # The cause is in the log; the state stays ``failed`` until a later attempt succeeds.
                await self._end("failed")

    async def _end(self, state: str) -> None:
        if self._process is not None:
            await self._process.stop()
        self._set(state)

    def _set(self, state: str) -> None:
        self._state = state
        self._changed()

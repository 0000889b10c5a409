"""Keeping one process alive: started, watched, restarted with backoff, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from septet_native.errors import StackError
from septet_native.health import Probe, wait_healthy
from septet_native.process import Command, Process
from septet_native.state import ProcessState

FIRST_BACKOFF, LAST_BACKOFF = 0.5, 15.0
# A process that ran this long was well; its next end starts the backoff anew.
HEALTHY_AFTER = 60.0


@dataclass(frozen=True)
class Spec:
    """What to keep alive.

    Attributes:
        kind: ``server`` or ``service``.
        command: how to run it.
        probe: whether it is healthy.
        port: shown in the status.
    """

    kind: str
    command: Command
    probe: Probe
    port: int | None


class Supervised:
    """One supervised process.

    Args:
        spec: what to keep alive.
        run_dir: directory of the records of pids.
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
        """Start it, wait until it is healthy, and keep it alive from then on.

        Raises:
            ServerFailed: it ended at once or did not become healthy; it is stopped then.
        """
        try:
            await self._launch()
        except BaseException:
            await self._end("failed")
            raise
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch-{self.name}")

    async def stop(self) -> None:
        """Stop watching, then end the process."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self._end("stopped")

    def status(self, *, memory: bool = True) -> ProcessState:
        """State of the process now; *memory* costs a few milliseconds."""
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
                # Its log says why; the state shows it until a later attempt succeeds.
                await self._end("failed")

    async def _end(self, state: str) -> None:
        if self._process is not None:
            await self._process.stop()
        self._set(state)

    def _set(self, state: str) -> None:
        self._state = state
        self._changed()

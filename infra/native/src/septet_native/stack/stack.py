"""A stack: every server and service of Septet on one machine, without Docker."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import psutil

from septet_native.errors import StackError
from septet_native.processes import pid_records, ports
from septet_native.processes.process_state import ProcessState
from septet_native.processes.supervisor import Spec, Supervised
from septet_native.servers.postgres import Postgres
from septet_native.servers.server import Server
from septet_native.services import SERVICES, module_of
from septet_native.stack import start_progress
from septet_native.stack.addresses import Addresses
from septet_native.stack.composition import Composition, compose
from septet_native.stack.data_dir import DataDirLock
from septet_native.stack.service_spec import service_spec
from septet_native.stack.settings import StackSettings
from septet_native.stack.state import Missing, State, remove_state, write_state

log = logging.getLogger(__name__)

Progress = Callable[[str, str], None]


def silent(_name: str, _state: str) -> None:
    """Ignore the progress."""


class Stack:
    """All servers and services of one data directory.

    An async context manager that stops them on exit. ``start`` starts the servers; ``start_services`` and
    ``spawn_service`` start services on them.
    """

    def __init__(self, settings: StackSettings | None = None) -> None:
        self.settings = settings or StackSettings()
        self.places = self.settings.places()
        self.addresses: Addresses | None = None
        self.missing: tuple[Missing, ...] = ()
        self._lock = DataDirLock(self.places.data)
        self._servers: list[Supervised] = []
        self._services: list[Supervised] = []
        self._taken_ports: set[int] = set()
        self._started_at: datetime | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @contextmanager
    def starting(self, progress: Progress = silent) -> Iterator[Progress]:
        """Show other commands that this stack is starting; yields the callback for its progress.

        It acquires the lock of the data directory before it writes the progress file.
        """
        written = start_progress.ProgressFile(self.places.data)

        def report(name: str, state: str) -> None:
            written.step(name, state)
            progress(name, state)

        self._lock.acquire()
        with written:
            yield report

    async def start(self, progress: Progress = silent) -> Addresses:
        """Start every server, in parallel, and wait until all are healthy.

        Args:
            progress: called with a server's name and its state.

        Raises:
            AlreadyRunning: another stack holds the data directory.
            StackError: a server could not be prepared or started; the others are stopped.
        """
        if not self._lock.held:
            self._lock.acquire()
        try:
            for name in await asyncio.to_thread(pid_records.reap, self.places.run):
                progress(name, "ended a process that a crash left behind")
            composition = self._compose(progress)
            self.missing = tuple(composition.missing)
            await _all([self._start_server(server, progress) for server in composition.servers])
            order = [server.name for server in composition.servers]
            self._servers.sort(key=lambda item: order.index(item.name))
            self.addresses = composition.addresses()
        except BaseException:
            await self.stop()
            raise
        self._started_at = datetime.now(UTC)
        self._write_state()
        return self.addresses

    async def start_services(
        self,
        names: Iterable[str] = SERVICES,
        env: Mapping[str, str] | None = None,
        progress: Progress = silent,
    ) -> None:
        """Start services of this project in parallel and wait until all are ready.

        Raises:
            StackError: a service did not become ready.
        """
        await _all([self.spawn_service(name, module_of(name), env or {}, progress) for name in names])

    async def spawn_service(
        self, name: str, argv: tuple[str, ...], env: Mapping[str, str], progress: Progress = silent
    ) -> ProcessState:
        """Run a program under supervision until the stack stops.

        Its environment holds the addresses, ``SEPTET_HEALTH_PORT`` and ``SEPTET_INSTANCE``. It is ready when
        ``GET /readyz`` on that port returns status 200.

        Raises:
            RuntimeError: the servers are not started.
            ServerFailed: the program ended or did not become ready in time.
        """
        if self.addresses is None:
            raise RuntimeError("start the servers before services")
        health_port = ports.choose(0, self._taken_ports)
        environment = {**self.addresses.environment(name), **env}
        service = self._supervise(service_spec(name, argv, environment, health_port, self.places.logs))
        self._services.append(service)
        progress(name, "starting")
        await service.start()
        progress(name, "ready")
        return service.status(memory=False)

    async def stop(self) -> None:
        """Stop the services, then the servers; does nothing when none runs."""
        for group in (self._services, self._servers):
            await asyncio.gather(*(item.stop() for item in group))
            group.clear()
        if self.addresses is not None:
            self.addresses = None
            remove_state(self.places.data)
        if self._lock.held:
            start_progress.remove_progress(self.places.data)
        self._started_at = None
        self._taken_ports.clear()
        self._lock.release()

    def status(self) -> list[ProcessState]:
        """State of every process: servers, then services."""
        return [item.status() for item in (*self._servers, *self._services)]

    def _compose(self, progress: Progress) -> Composition:
        def port(name: str, wanted: int) -> int:
            chosen = ports.choose(wanted, self._taken_ports)
            if wanted not in (0, chosen):
                progress(name, f"port {wanted} is taken, using {chosen}")
            return chosen

        composition = compose(self.settings, port)
        for missing in composition.missing:
            progress(missing.name, f"left out: {missing.message} {missing.instead}; to run it: {missing.fix}")
        return composition

    async def _start_server(self, server: Server, progress: Progress) -> None:
        progress(server.name, "preparing")
        await server.prepare(lambda step: progress(server.name, step))
        progress(server.name, "starting")
        port = getattr(server, "port", None)
        supervised = self._supervise(Spec("server", server.command(), server.probe, port))
        self._servers.append(supervised)
        await supervised.start()
        await server.finish()
        if isinstance(server, Postgres):
            progress(server.name, "migrating")
            await server.migrate()
        progress(server.name, "ready")

    def _supervise(self, spec: Spec) -> Supervised:
        return Supervised(spec, self.places.run, self.settings.start_timeout, self._changed)

    def _changed(self) -> None:
        """Write the state file after a process changed its state; a failed write must not end the supervision."""
        try:
            self._write_state()
        except StackError as error:
            log.warning("the state file could not be written: %s", error.message)

    def _write_state(self) -> None:
        if self.addresses is None or self._started_at is None:
            return
        me = psutil.Process()
        processes = tuple(item.status(memory=False) for item in (*self._servers, *self._services))
        started = self._started_at.isoformat(timespec="seconds")
        state = State(os.getpid(), me.create_time(), started, self.addresses, processes, self.missing)
        write_state(self.places.data, state)


async def _all(steps: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run *steps* concurrently; the first failure cancels the others and is raised."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise

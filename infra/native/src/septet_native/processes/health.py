"""Health probes of servers, and the wait until a probe succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx

from septet_native.errors import StackError
from septet_native.processes.ports import LOOPBACK
from septet_native.processes.process import Process, tail
from septet_native.processes.tool import server_error

Probe = Callable[[], Awaitable[bool]]

FIRST_DELAY, LAST_DELAY = 0.05, 0.3


async def wait_healthy(process: Process, probe: Probe, timeout: timedelta) -> None:
    """Return once *probe* returns True.

    Raises:
        ServerFailed: the process ended first, or *timeout* passed; the message holds the end of its log.
        DiskFull: its log reports a full disk.
    """
    ended = asyncio.create_task(process.wait())
    healthy = asyncio.create_task(_poll(probe))
    try:
        await asyncio.wait(
            {ended, healthy}, timeout=timeout.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
        if healthy.done():
            healthy.result()
            return
        raise failure(process, timeout)
    finally:
        for task in (ended, healthy):
            task.cancel()
        await asyncio.gather(ended, healthy, return_exceptions=True)


def failure(process: Process, timeout: timedelta) -> StackError:
    """The error for a server that ended or hangs, with the end of its log and a fix."""
    name, log = process.command.name, process.command.log
    last = tail(log)
    if process.returncode is None:
        what = f"{name} did not become healthy in {timeout.total_seconds():.0f} s."
    else:
        what = f"{name} ended during its start (exit status {process.returncode})."
    return server_error(f"{what} Last lines of {log}:\n{last}", last, _fix(last, name))


def _fix(log: str, name: str) -> str:
    """The likeliest fix for the error at the end of a log."""
    lower = log.lower()
    fixes = {
        "address already in use": f"another program took the port; start again or set the port of {name}",
        "cannot allocate memory": "free memory: the stack needs about 1.5 GB",
        "out of memory": "free memory: the stack needs about 1.5 GB",
        "permission denied": "give your user the data directory, or set SEPTET_DATA_DIR to another",
        "incompatible with server": "another version wrote the data: move the data directory away",
        "modulenotfounderror": "run `make setup`",
        "unable to load": "run `make setup`",
    }
    found = (fix for symptom, fix in fixes.items() if symptom in lower)
    return next(found, "read the log, then run `septet doctor`")


async def _poll(probe: Probe) -> None:
    delay = FIRST_DELAY
    while not await probe():
        await asyncio.sleep(delay)
        delay = min(delay * 1.5, LAST_DELAY)


def http_probe(port: int, path: str) -> Probe:
    """A probe that succeeds when ``GET`` *path* on a loopback *port* returns status 200."""
    url = f"http://{LOOPBACK}:{port}{path}"

    async def probe() -> bool:
        try:
            # Loopback needs neither TLS nor a proxy from the environment.
            async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as client:  # noqa: S501
                return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return probe


async def port_open(port: int) -> bool:
    """Whether a server accepts connections on a loopback *port*."""
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True

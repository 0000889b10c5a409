"""Contenders that serve a framework's pipeline over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import aiohttp
from septet_native.processes import ports

from benchmarks.overhead.children import children
from benchmarks.overhead.contender import SAME_WORK, Body, Failed, Load, Place
from benchmarks.peers import environment

LOST_AFTER_S = 30
# Disable the frameworks' telemetry, which would contact other hosts.
_QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "OMP_WAIT_POLICY": "passive",
}


@dataclass(frozen=True)
class HttpPeer:
    """One framework, served by ``workers`` processes that the client calls in turns.

    Each process has its own port. With a shared port, one worker would get most connections by chance; turns are the best
    result of a load balancer.
    """

    name: str
    peer: str
    workers: int
    note: str
    kind: Literal["bus", "full"] = "full"

    def missing(self) -> str:
        """The command that creates ``.venv-bench``; empty if it exists."""
        return "" if environment.installed() else environment.COMMAND

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningPeer]:
        """Fill the peer's table, then start its processes, which are ready once each has answered a question."""
        logs = place.logs / self.name.replace(" ", "-")
        logs.mkdir(parents=True, exist_ok=True)
        addresses = place.addresses
        own = _QUIET | SAME_WORK | {"SEPTET_POSTGRES_DSN": addresses.postgres_dsn}
        env = addresses.environment("retrieval") | own
        taken: set[int] = set()
        wanted = {f"{self.peer}-{n}": ports.choose(0, taken) for n in range(self.workers)}
        serve = ("-m", "benchmarks.peers.serve", self.peer)
        async with AsyncExitStack() as exits:
            async with children({"index": (*serve, "--index")}, env, logs, str(environment.PYTHON)):
                pass
            commands = {role: (*serve, "--port", str(port)) for role, port in wanted.items()}
            started = children(commands, env, logs, str(environment.PYTHON))
            pids = await exits.enter_async_context(started)
            # No limit on connections, because a wait for a connection would count as latency.
            http = await exits.enter_async_context(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(LOST_AFTER_S)
                )
            )
            urls = [f"http://127.0.0.1:{port}/ask" for port in wanted.values()]
            yield RunningPeer(http, urls, place.load, pids)


class RunningPeer:
    """A running peer and its client."""

    def __init__(
        self, http: aiohttp.ClientSession, urls: list[str], load: Load, pids: Mapping[str, int]
    ) -> None:
        self._http, self._urls, self._load, self._pids = http, urls, load, pids
        self._turns = count()

    async def send(self, number: int) -> Body:
        """Ask a question and check its answer.

        Raises:
            Failed: no answer, or one without text or sources.
        """
        return await self.ask(self._load.question(number))

    async def ask(self, question: str) -> dict[str, Any]:
        """Ask the next process and return its answer.

        Raises:
            Failed: as for :meth:`send`.
        """
        url = self._urls[next(self._turns) % len(self._urls)]
        try:
            async with self._http.post(url, json={"question": question}) as response:
                if response.status != 200:
                    raise Failed(f"status {response.status}: {(await response.text())[:200]}")
                answer: dict[str, Any] = await response.json()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error
        if not answer["answer"] or not answer["sources"]:
            raise Failed(f"{answer['status']}: an empty answer, or no sources")
        return answer

    def pids(self) -> Mapping[str, int]:
        """Pids of the processes by role."""
        return self._pids

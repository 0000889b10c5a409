"""Circuit breaker with one probe at a time."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.messages import Event
from purgatory.domain.model import CLOSED, OpenedState
from septet_kit import Permanent, Transient
from septet_kit.observe import get_logger

log = get_logger()


class Breaker:
    """Opens after ``failures`` consecutive failures. After ``pause`` one call probes the server.

    A cancelled call counts as a failure, because its caller timed out. ``Permanent`` does not: the server
    responded.
    """

    def __init__(self, name: str, failures: int, pause: timedelta) -> None:
        self._name = name
        self._factory = AsyncCircuitBreakerFactory(failures, pause.total_seconds(), exclude=[Permanent])
        self._factory.add_listener(_log_change)
        self._probing = False

    async def state(self) -> str:
        """``closed``, ``opened`` or ``half-opened``."""
        return str((await self._factory.get_breaker(self._name)).context.state)

    async def __aenter__(self) -> None:
        breaker = await self._factory.get_breaker(self._name)
        if self._probing:
            raise self._open_error()
        try:
            await breaker.__aenter__()
        except OpenedState as error:
            raise self._open_error() from error
        self._probing = breaker.context.state != CLOSED

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        breaker = await self._factory.get_breaker(self._name)
        self._probing = False
        await breaker.__aexit__(kind, error, traceback)

    def _open_error(self) -> Transient:
        return Transient("lexical_circuit_open", f"{self._name} failed repeatedly: the circuit is open")


def _log_change(name: str, change: str, event: Event) -> None:
    if change == "state_changed":
        log.warning("circuit breaker changed state", name=name, state=getattr(event, "state", ""))

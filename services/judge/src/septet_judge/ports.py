"""Ports of the judge service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from septet_experiments.judges import ChatCall, Reply

from septet_judge.domain.budget import Reservation, Spend


class Endpoint(Protocol):
    """The judge's model."""

    async def reply(self, call: ChatCall) -> Reply:
        """The judge's reply, with the usage of all tries.

        Raises:
            JudgeUnavailable: all tries failed.
            JudgeRejected: the endpoint rejects the call.
        """
        ...


class Budget(Protocol):
    """The spending of a UTC day, over all processes and restarts."""

    async def reserve(self, spend: Spend) -> Reservation | None:
        """Reserve a part of today's budget before calls; None if it would exceed a limit.

        Raises:
            Transient: the database is not available.
        """
        ...

    async def settle(self, reservation: Reservation, actual: Spend) -> None:
        """Replace a reservation by what the calls did cost."""
        ...


class Ledger(Protocol):
    """Judgments that were paid for, by key."""

    async def run(
        self, key: str, work: Callable[[], Awaitable[bytes]], lease: timedelta, *, tenant: str
    ) -> tuple[bytes, bool]:
        """Return the result under ``key`` and whether it was replayed; runs ``work`` first if there is none."""
        ...

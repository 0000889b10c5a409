"""Judges one response, within the budget."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from septet_contracts import Response
from septet_experiments.judges import (
    ChatCall,
    EndpointSettings,
    JudgeRejected,
    JudgeUnavailable,
    Judgment,
    Reply,
    Unparsed,
    Usage,
)
from septet_kit import Transient
from septet_kit.observe.logs import get_logger

from septet_judge import telemetry
from septet_judge.domain.breaker import Breaker
from septet_judge.domain.budget import Reservation, spent, upper_bound
from septet_judge.domain.evaluation import CalibratedProtocol, applicable, item_of
from septet_judge.domain.selection import Skipped
from septet_judge.ports import Budget, Endpoint

log = get_logger()


class ResponseJudge:
    """Makes the calls of all protocols for a response, one after the other."""

    def __init__(
        self,
        protocols: Sequence[CalibratedProtocol],
        endpoint: Endpoint,
        settings: EndpointSettings,
        budget: Budget,
        breaker: Breaker,
        timeout: timedelta,
    ) -> None:
        self._protocols = protocols
        self._endpoint = endpoint
        self._settings = settings
        self._budget = budget
        self._breaker = breaker
        self._timeout_s = timeout.total_seconds()

    async def judge(self, response: Response) -> Mapping[CalibratedProtocol, Judgment]:
        """The judgments by protocol. A protocol whose replies have no verdict is counted and left out.

        Raises:
            Skipped: no protocol applies, the budget is spent, or the endpoint does not answer or rejects a call.
            Transient: the database is not available; nothing was called.
        """
        item = item_of(response)
        calls = {p: p.protocol.calls(item) for p in applicable(self._protocols, response)}
        if not calls:
            raise Skipped("no_sources")
        replies = await self._replies(calls)
        judgments: dict[CalibratedProtocol, Judgment] = {}
        for protocol, found in replies.items():
            try:
                judgments[protocol] = protocol.protocol.conclude(item, found)
            except Unparsed as error:
                telemetry.count_unparsed(protocol.protocol.name)
                log.info("no verdict", protocol=protocol.protocol.name, reason=str(error))
        return judgments

    async def _replies(
        self, calls: Mapping[CalibratedProtocol, Sequence[ChatCall]]
    ) -> Mapping[CalibratedProtocol, list[Reply]]:
        if not self._breaker.allows():
            raise Skipped("outage")
        try:
            reservation = await self._reserve([call for some in calls.values() for call in some])
        except BaseException:
            self._breaker.abandoned()
            raise
        used = _Used()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = {p: [await self._call(call, used) for call in some] for p, some in calls.items()}
        except (JudgeUnavailable, TimeoutError) as error:
            self._breaker.failed(getattr(error, "retry_after", None))
            log.warning("the judge is not available", error=str(error) or "timeout")
            raise Skipped("outage") from error
        except JudgeRejected as error:
            self._breaker.failed()
            log.error("the judge rejects a call", error=str(error))  # noqa: TRY400 - the message is enough
            raise Skipped("rejected") from error
        except BaseException:
            self._breaker.abandoned()
            raise
        finally:
            await self._settle(reservation, used.usage)
        self._breaker.succeeded()
        return found

    async def _reserve(self, calls: Sequence[ChatCall]) -> Reservation:
        reservation = await self._budget.reserve(upper_bound(calls, self._settings))
        if reservation is None:
            raise Skipped("budget")
        return reservation

    async def _call(self, call: ChatCall, used: _Used) -> Reply:
        with telemetry.call_span(call) as record, used.count():
            reply = await self._endpoint.reply(call)
            used.add(reply.usage)
            record(reply)
            return reply

    async def _settle(self, reservation: Reservation, usage: Usage) -> None:
        """Without the database the reservation stays: the budget errs towards less spending."""
        telemetry.count_usage(usage)
        try:
            await self._budget.settle(reservation, spent(usage, reservation.spend))
        except Transient as error:
            log.warning("the reservation is not settled", error=error.message)


class _Used:
    """The usage of the calls of one response, also of those that failed."""

    def __init__(self) -> None:
        self.usage = Usage()

    def add(self, usage: Usage) -> None:
        self.usage += usage

    @contextmanager
    def count(self) -> Iterator[None]:
        """Count a call that fails. What a cancelled call cost is not known."""
        try:
            yield
        except (JudgeUnavailable, JudgeRejected) as error:
            self.usage += error.usage
            raise
        except BaseException:
            self.usage += Usage(calls=1, unreported=1)
            raise

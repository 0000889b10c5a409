"""Runs a suite through Kafka: publishes each draw once, and keeps its response in the run's folder.

The request id of a draw follows from the run, the case and the number of the draw. A resumed run looks for its requests
and responses on the log before it publishes, so a draw is published once, however often the run was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from septet_client.ports import Log, Record
from septet_contracts import EvaluationSample, Request, Response
from septet_experiments.cases import Case
from septet_experiments.requests import PREFIX, evaluation_of, request_body
from septet_experiments.runs import RunFolder, RunInfo, Sample
from septet_experiments.suites import SuiteSettings
from septet_kit.tenants import Tenants

from septet_cli.client import record_key
from septet_cli.errors import Unreachable
from septet_cli.evaluation.pace import Gate, Pace
from septet_cli.wire import to_json

MARGIN_S = 5.0
"""Time after a deadline for the response that reports it."""
NO_RESPONSE = "no_response"
USABLE = frozenset({"answered", "abstained", "refused", "blocked"})
"""Statuses of responses that metrics read. Any other one is an error of the sample."""


@dataclass(frozen=True)
class Draw:
    """One draw of a case, with the body of its request."""

    case: Case
    number: int
    body: Mapping[str, Any]

    @property
    def request_id(self) -> str:
        return str(self.body["request_id"])


def draws_of(info: RunInfo, settings: SuiteSettings, cases: list[Case]) -> Iterator[Draw]:
    """The draws of a run: all cases, then all of them again.

    Raises:
        InvalidSuite: an override breaks the contract.
    """
    for number in range(info.draws):
        for case in cases:
            sample = EvaluationSample(run=info.id, case=case.id, draw=number)
            body = request_body(case, sample, settings.request, case.request, info.overrides)
            yield Draw(case, number, body)


class Runner:
    """Publishes the draws of a run that have no sample yet, and appends the samples.

    Args:
        log: the log.
        folder: the run's folder.
        info: the run.
        pace: the limits.
        tenants: the tenants and their topics.
    """

    def __init__(self, log: Log, folder: RunFolder, info: RunInfo, pace: Pace, tenants: Tenants) -> None:
        self._log = log
        self._folder = folder
        self._info = info
        self._pace = pace
        self._gate = Gate(pace)
        tenant = str(info.overrides.get("tenant", "default"))
        self._requests = tenants.address("requests", tenant)
        self._responses = tenants.address("responses", tenant)
        self._arriving: dict[str, asyncio.Future[Response]] = {}
        self._due: dict[str, datetime] = {}

    async def run(
        self, draws: list[Draw], on_sample: Callable[[Sample], None], *, resumed: bool = False
    ) -> None:
        """Run the draws without a usable sample.

        Args:
            draws: of the run.
            on_sample: is called with each sample, after it was written.
            resumed: look for requests and responses on the log first.

        Raises:
            Unreachable: Kafka does not answer. The run can be resumed.
        """
        loop = asyncio.get_running_loop()
        self._arriving = {draw.request_id: loop.create_future() for draw in draws}
        await self._log.follow([self._responses], self._receive)
        if resumed:
            await self._read_log()
        try:
            async with asyncio.TaskGroup() as group:
                for draw in draws:
                    group.create_task(self._one(draw, on_sample))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _one(self, draw: Draw, on_sample: Callable[[Sample], None]) -> None:
        future = self._arriving[draw.request_id]
        async with self._gate.place():
            if not future.done():
                await self._publish(draw)
            response = await self._response(draw, future)
        sample = _sample(draw, response)
        self._folder.append(sample)
        on_sample(sample)

    async def _publish(self, draw: Draw) -> None:
        """Publish a draw's request, unless it is on the log."""
        if draw.request_id in self._due:
            return
        await self._gate.turn()
        due = datetime.now(UTC) + timedelta(seconds=self._pace.deadline)
        self._due[draw.request_id] = due
        body = {**draw.body, "deadline": due.isoformat()}
        await self._log.publish(self._requests, record_key(body).encode(), to_json(body))

    async def _response(self, draw: Draw, future: asyncio.Future[Response]) -> Response | None:
        due = self._due.get(draw.request_id)
        left = (due - datetime.now(UTC)).total_seconds() if due is not None else 0.0
        await asyncio.wait([future], timeout=max(0.0, left) + MARGIN_S)
        if future.done():
            return future.result()
        if self._log.failure is not None:
            raise Unreachable(f"Reading from Kafka failed: {self._log.failure}", "run `septet doctor`")
        return None

    def _receive(self, record: Record) -> None:
        if PREFIX.encode() not in record.value:
            return
        try:
            response = Response.model_validate_json(record.value)
        except ValidationError:
            return
        future = self._arriving.get(response.request_id)
        # A conflict answers another body under the id; the response to the first body follows.
        is_conflict = response.error is not None and response.error.code == "conflict"
        if future is not None and not future.done() and not is_conflict:
            future.set_result(response)

    async def _read_log(self) -> None:
        """Find the run's requests and responses since it began."""
        since = self._info.started_at
        async with aclosing(self._log.search(self._responses, None, since)) as records:
            async for record in records:
                self._receive(record)
        needle = self._info.id.encode()
        async with aclosing(self._log.search(self._requests, None, since)) as records:
            async for record in records:
                request = evaluation_of(record.value) if needle in record.value else None
                if request is not None and request.request_id in self._arriving:
                    self._due[request.request_id] = _due(request)


def pending(draws: list[Draw], samples: list[Sample]) -> list[Draw]:
    """The draws that have no sample, or only one without a response."""
    done = {(s.case_id, s.draw) for s in samples if s.error != NO_RESPONSE}
    return [draw for draw in draws if (draw.case.id, draw.number) not in done]


def _due(request: Request) -> datetime:
    return request.deadline or datetime.now(UTC)


def _sample(draw: Draw, response: Response | None) -> Sample:
    error = NO_RESPONSE if response is None else None if response.status in USABLE else response.status
    return Sample(
        case_id=draw.case.id,
        draw=draw.number,
        request_id=draw.request_id,
        response=response,
        error=error,
    )

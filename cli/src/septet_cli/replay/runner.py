"""Publishes the requests of a replay into its namespace and keeps their responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from pydantic import ValidationError
from septet_contracts import Response
from septet_experiments.runs import RunFolder, Sample
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import Tenants

from septet_cli.errors import Unreachable
from septet_cli.evaluation.pace import Gate, Pace
from septet_cli.evaluation.run import MARGIN_S, NO_RESPONSE, USABLE
from septet_cli.replay.candidate import Candidate
from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.rewrite import ReplayedRequest, rewritten
from septet_cli.tail import tail
from septet_cli.wire import Record, open_producer


class Replayer:
    """Publishes rewritten requests into a namespace and waits for their responses. ``opened`` makes one.

    Args:
        tenants: the tenants, in the namespace.
        run: id that all request ids follow from. One namespace runs a request once for each.
        candidate: the change.
        pace: the limits.
    """

    def __init__(self, tenants: Tenants, run: str, candidate: Candidate, pace: Pace) -> None:
        self._tenants = tenants
        self._run = run
        self._candidate = candidate
        self._pace = pace
        self._gate = Gate(pace)
        self._waiting: dict[tuple[str, str], asyncio.Future[Response]] = {}
        self._producer: AIOKafkaProducer | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, kafka: Kafka, tenants: Tenants, run: str, candidate: Candidate, pace: Pace
    ) -> AsyncIterator[Replayer]:
        """A replayer that follows the responses of the namespace.

        Raises:
            Unreachable: Kafka does not answer.
        """
        replayer = cls(tenants, run, candidate, pace)
        topics = list(tenants.addresses(["responses"]))
        async with tail(kafka, topics, replayer._receive) as reading, open_producer(kafka) as producer:
            replayer._reading, replayer._producer = reading, producer
            yield replayer

    async def replay(self, logged: LoggedRequest) -> Sample:
        """Run one request and return its sample. It waits for a place and for its turn.

        Raises:
            Unreachable: Kafka does not answer.
        """
        async with self._gate.place():
            await self._gate.turn()
            deadline, now = timedelta(seconds=self._pace.deadline), datetime.now(UTC)
            request = rewritten(logged, self._run, self._candidate, now, deadline)
            response = await self._response(request)
        return sample_of(request.case.id, request.event.request_id, response)

    async def _response(self, request: ReplayedRequest) -> Response | None:
        assert self._producer is not None
        assert self._reading is not None
        future = self._waiting[request.key] = asyncio.get_running_loop().create_future()
        try:
            await self._producer.send_and_wait(
                self._tenants.address(self._candidate.topic, request.event.tenant),
                request.value,
                key=request.record_key,
                headers=request.headers,
            )
            limit = self._pace.deadline + MARGIN_S
            await asyncio.wait([future, self._reading], timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[request.key]
        if future.done():
            response: Response = future.result()
            return response
        if self._reading.done():
            raise Unreachable(
                f"Reading from Kafka failed: {self._reading.exception()}", "run `septet doctor`"
            )
        return None

    def _receive(self, record: Record) -> None:
        try:
            response = Response.model_validate_json(record.value)
        except ValidationError:
            return
        future = self._waiting.get((response.tenant, response.request_id))
        if future is not None and not future.done():
            future.set_result(response)


async def replay_all(
    replayer: Replayer,
    requests: Sequence[LoggedRequest],
    folder: RunFolder,
    on_sample: Callable[[Sample], None],
) -> None:
    """Replay requests, and append their samples to a run.

    Args:
        replayer: runs each of them.
        requests: as logged.
        folder: the candidate's run.
        on_sample: is called with each sample, after it was written.

    Raises:
        Unreachable: Kafka does not answer.
    """

    async def one(logged: LoggedRequest) -> None:
        sample = await replayer.replay(logged)
        folder.append(sample)
        on_sample(sample)

    async with asyncio.TaskGroup() as group:
        for logged in requests:
            group.create_task(one(logged))


def sample_of(case_id: str, request_id: str, response: Response | None) -> Sample:
    """The sample of a response; a status that no metric reads is an error."""
    error = NO_RESPONSE if response is None else None if response.status in USABLE else response.status
    return Sample(case_id=case_id, request_id=request_id, response=response, error=error)

"""Publishes the requests of a replay into its namespace and keeps their responses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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


class ReplayRunner:
    """Publishes requests and appends their samples to the candidate's run.

    Args:
        kafka: connection to Kafka.
        tenants: the tenants, in the replay's namespace.
        folder: the candidate's run. Its name is the id that all request ids follow from.
        pace: the limits.
    """

    def __init__(self, kafka: Kafka, tenants: Tenants, folder: RunFolder, pace: Pace) -> None:
        self._kafka = kafka
        self._tenants = tenants
        self._folder = folder
        self._pace = pace
        self._gate = Gate(pace)
        self._waiting: dict[tuple[str, str], asyncio.Future[Response]] = {}

    async def run(
        self, requests: Sequence[LoggedRequest], candidate: Candidate, on_sample: Callable[[Sample], None]
    ) -> None:
        """Replay requests.

        Args:
            requests: as logged.
            candidate: the change.
            on_sample: is called with each sample, after it was written.

        Raises:
            Unreachable: Kafka does not answer.
        """
        topics = list(self._tenants.addresses(["responses"]))
        async with (
            tail(self._kafka, topics, self._receive) as reading,
            open_producer(self._kafka) as producer,
            asyncio.TaskGroup() as group,
        ):
            for logged in requests:
                group.create_task(self._one(producer, reading, logged, candidate, on_sample))

    async def _one(
        self,
        producer: AIOKafkaProducer,
        reading: asyncio.Task[None],
        logged: LoggedRequest,
        candidate: Candidate,
        on_sample: Callable[[Sample], None],
    ) -> None:
        async with self._gate.place():
            await self._gate.turn()
            deadline = timedelta(seconds=self._pace.deadline)
            request = rewritten(logged, self._folder.path.name, candidate, datetime.now(UTC), deadline)
            response = await self._response(producer, reading, request, candidate.topic)
        sample = sample_of(request.case.id, request.event.request_id, response)
        self._folder.append(sample)
        on_sample(sample)

    async def _response(
        self, producer: AIOKafkaProducer, reading: asyncio.Task[None], request: ReplayedRequest, name: str
    ) -> Response | None:
        future = self._waiting[request.key] = asyncio.get_running_loop().create_future()
        await producer.send_and_wait(
            self._tenants.address(name, request.event.tenant),
            request.value,
            key=request.record_key,
            headers=request.headers,
        )
        limit = self._pace.deadline + MARGIN_S
        await asyncio.wait([future, reading], timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            response: Response = future.result()
            return response
        if reading.done():
            raise Unreachable(f"Reading from Kafka failed: {reading.exception()}", "run `septet doctor`")
        return None

    def _receive(self, record: Record) -> None:
        try:
            response = Response.model_validate_json(record.value)
        except ValidationError:
            return
        future = self._waiting.get((response.tenant, response.request_id))
        if future is not None and not future.done():
            future.set_result(response)


def sample_of(case_id: str, request_id: str, response: Response | None) -> Sample:
    """The sample of a response; a status that no metric reads is an error."""
    error = NO_RESPONSE if response is None else None if response.status in USABLE else response.status
    return Sample(case_id=case_id, request_id=request_id, response=response, error=error)

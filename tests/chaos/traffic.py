"""An independent client: it knows bytes and topics, and nothing of what the product's own client does."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from septet_contracts import topic

from .checker import Seen, Sent

REQUESTS, RESPONSES = topic("requests").name, topic("responses").name
RESPONSES_V1, RELEASES = topic("responses.v1").name, topic("releases").name
FEEDBACK, LABELS = topic("feedback").name, topic("labels").name
EVENT_ID_HEADER = "septet-event-id"


@dataclass
class Traffic:
    """Publishes requests at a rate and notes what the broker acknowledged.

    Attributes:
        run: prefix of the request ids.
        conversations: over how many conversations requests are spread; 0: none has one.
        fields: what every request carries beside its id and question.
        deadline_s: from the moment of publishing, in seconds.
        first: number of the first question; each number is a question of its own.
        thumbs: also give feedback on every request; it waits for the response, or comes after it.
    """

    producer: AIOKafkaProducer
    run: str
    rng: random.Random
    conversations: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    deadline_s: float = 120.0
    sent: list[Sent] = field(default_factory=list)
    begun: dict[str, float] = field(default_factory=dict)
    retried: int = 0
    thumbs: bool = False
    first: int = 0

    def __post_init__(self) -> None:
        self._places: Counter[str] = Counter()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._number = self.first

    async def steady(self, rate: float, seconds: float) -> None:
        """Publish ``rate`` requests a second, on schedule however slow the broker is (an open loop)."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
                group.create_task(self.one())

    async def until(self, stop: asyncio.Event, rate: float) -> None:
        """As :meth:`steady`, until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        begin, number = loop.time(), 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                group.create_task(self.one())
                number += 1
                await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))

    async def one(self, **fields: Any) -> str:
        """Publish one request, again and again under the same id and body, until the broker has it."""
        number, self._number = self._number, self._number + 1
        request_id = f"{self.run}-{number:06d}"
        conversation = f"{self.run}-c{number % self.conversations}" if self.conversations else None
        body = {
            "request_id": request_id,
            "question": f"What is thing number {number}?",
            "deadline": (datetime.now(UTC) + timedelta(seconds=self.deadline_s)).isoformat(),
            **({"conversation_id": conversation} if conversation else {}),
            **self.fields,
            **fields,
        }
        tenant = str(body.get("tenant", "default"))
        key = f"{tenant}:{conversation or request_id}"
        self.begun[request_id] = asyncio.get_running_loop().time()
        # A conversation's requests are acknowledged one after the other, as its client would send them.
        async with self._turns[key]:
            await self._publish(REQUESTS, body, key)
            self.sent.append(Sent(request_id, tenant, conversation, self._places[key]))
            self._places[key] += 1
        if not conversation:
            del self._turns[key]
        if self.thumbs:
            await self.thumb(request_id)
        return request_id

    async def thumb(self, request_id: str) -> None:
        """A thumb on a response of the default tenant, as its reader gives it."""
        body = {
            "request_id": request_id,
            "feedback_id": f"{request_id}-thumb",
            "kind": "thumbs",
            "value": "up",
        }
        await self._publish(FEEDBACK, body, f"default:{request_id}")

    async def _publish(self, where: str, body: Mapping[str, Any], key: str) -> None:
        value = json.dumps(body).encode()
        while True:
            try:
                await self.producer.send_and_wait(where, value, key=key.encode())
            except KafkaError:
                self.retried += 1
                await asyncio.sleep(0.2)
            else:
                return


class Watch:
    """Follows the responses topic while a run goes on; the verdict is read from the log afterwards."""

    def __init__(self) -> None:
        self.first_seen: dict[str, float] = {}
        self._arrived = asyncio.Event()

    def latencies(self, traffic: Traffic) -> list[float]:
        """Seconds from before the publish to the response, of those that have one."""
        return [self.first_seen[i] - begun for i, begun in traffic.begun.items() if i in self.first_seen]

    def note(self, record: Any) -> None:
        """One record of the topic."""
        body = json.loads(record.value)
        request_id = body["request_id"]
        if request_id not in self.first_seen:
            self.first_seen[request_id] = asyncio.get_running_loop().time()
            self._arrived.set()

    def longest_gap(self, since: float, until: float) -> float:
        """The longest time without a response, in seconds."""
        times = sorted(at for at in self.first_seen.values() if since <= at <= until)
        return max((b - a for a, b in pairwise([since, *times, until])), default=0.0)

    async def all_of(self, sent: Collection[Sent], timeout_s: float) -> bool:
        """Wait until each of these requests has a response; False when ``timeout_s`` has passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                while any(s.request_id not in self.first_seen for s in sent):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def watching(options: Mapping[str, Any]) -> AsyncIterator[Watch]:
    """Follow the responses topic from its beginning while inside."""
    watch = Watch()
    consumer = AIOKafkaConsumer(RESPONSES, auto_offset_reset="earliest", **options)
    await consumer.start()

    async def pump() -> None:
        async for record in consumer:
            watch.note(record)

    task = asyncio.create_task(pump())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()


async def read_whole(options: Mapping[str, Any], name: str) -> list[Any]:
    """Every record of a topic, from the first offset to the end as it is now."""
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **options)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, p) for p in range(topic(name).partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for tp, offset in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(tp, offset)
        records: list[Any] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


def event_ids(records: Iterable[Any]) -> list[str]:
    """The event id in each record's header."""
    return [v.decode() for r in records for k, v in r.headers if k == EVENT_ID_HEADER]


def to_seen(record: Any) -> Seen:
    """A record of the responses topic as the checker wants it."""
    body = json.loads(record.value)
    code = (body.get("error") or {}).get("code", "")
    return Seen(
        body["request_id"],
        body["tenant"],
        body["status"],
        record.partition,
        record.offset,
        code,
        tuple(body.get("degraded", ())),
    )

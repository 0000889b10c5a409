"""A broker and its producers, in memory: what the kit's publisher is tested on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace

from aiokafka.errors import ProducerClosed
from septet_kit.messaging.probe import UncertainSend
from septet_kit.messaging.publisher import Publisher
from septet_kit.record import EVENT_ID_HEADER, Record
from septet_kit.tenants import SHARED_ONLY

STAMP_MS = 1_700_000_000_250
"""Time of every record on the log."""


@dataclass(frozen=True)
class Stored:
    """A record on the log, and which client sent it."""

    topic: str
    value: bytes | None
    event_id: str
    client: str
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Broker:
    """The log. ``lost`` is how many of the next records are stored without an acknowledgement."""

    records: list[Stored] = field(default_factory=list)

    @property
    def values(self) -> list[bytes | None]:
        return [r.value for r in self.records]


class FakeClient:
    """Has what the kit uses of ``AIOKafkaProducer``.

    Attributes:
        space: cleared, a send waits as it does for a full buffer.
        answers: cleared, sends are enqueued and stay unanswered; set, what was enqueued is answered.
        refuse: raises, or returns the error of, a record that is about to be enqueued or answered.
    """

    def __init__(self, broker: Broker, name: str = "a") -> None:
        self.broker = broker
        self._name = name
        self._sender = SimpleNamespace(sender_task=None)
        self._end = asyncio.Event()
        self._closed = False
        self.space = asyncio.Event()
        self.space.set()
        self.answers = asyncio.Event()
        self.answers.set()
        self.on_enqueue: Callable[[str], Exception | None] = lambda _: None
        self.on_answer: Callable[[str], Exception | None] = lambda _: None
        self.sender_error: BaseException | None = None
        self.on_stop: Callable[[], None] = lambda: None

    async def start(self) -> None:
        self._sender.sender_task = asyncio.ensure_future(self._send_forever())

    async def stop(self) -> None:
        """Flush, then close, as often as it is called."""
        if self._closed:
            return
        self.on_stop()
        self._closed = True
        self.end_sender(None)
        await asyncio.gather(self._sender.sender_task, return_exceptions=True)

    async def send(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[object]:
        await self.space.wait()
        if self._closed:
            raise ProducerClosed
        if (error := self.on_enqueue(topic)) is not None:
            raise error
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        event_id = dict(headers).get(EVENT_ID_HEADER, b"").decode()
        stored = Stored(topic, value, event_id, self._name, key, tuple(headers))
        if self.answers.is_set():
            self._answer(stored, future)
        else:
            self._later = asyncio.ensure_future(self._answer_later(stored, future))
        return future

    def end_sender(self, error: BaseException | None) -> None:
        """End the task that sends, as a bug in the client library would."""
        self.sender_error = error
        self._end.set()

    async def _send_forever(self) -> None:
        await self._end.wait()
        if self.sender_error is not None:
            raise self.sender_error

    async def _answer_later(self, stored: Stored, future: asyncio.Future[object]) -> None:
        await self.answers.wait()
        self._answer(stored, future)

    def _answer(self, stored: Stored, future: asyncio.Future[object]) -> None:
        if (error := self.on_answer(stored.topic)) is not None:
            future.set_exception(error)
            return
        self.broker.records.append(stored)
        future.set_result(SimpleNamespace(timestamp=STAMP_MS))


class SimulatedPublisher(Publisher):
    """The real publisher on a fake client; the log is looked up in the broker's memory."""

    def __init__(self, broker: Broker, name: str = "a") -> None:
        self.client = FakeClient(broker, name)
        super().__init__("127.0.0.1:9", name, SHARED_ONLY, self.client)

    async def find_sent(self, uncertain: Iterable[UncertainSend]) -> set[str]:
        asked = {u.event_id for u in uncertain}
        return asked & {r.event_id for r in self.client.broker.records}


def record(value: bytes = b"v", topic: str = "t") -> Record:
    """A record that no outbox has."""
    return Record(topic, b"k", value)

"""200 concurrent streams of one gateway process: none dropped, none mixed up, bounded memory.

The test answers the requests itself, so that the gateway alone is under load.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from septet_cli.keys import open_keys
from septet_contracts import Request, encode, topic
from septet_native.services import module_of
from septet_native.stack.stack import Stack

from ..support.responses import respond
from ..support.tail import following

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STREAMS, UNREAD = 200, 10
WRITE_LIMIT_S, HELD_S = 3.0, 2.0
LONG, SHORT = 900_000, 20_000
# What the last round may leave behind in the process (its 50 long answers have 45 MB; allocators keep some), and what the
# streams may use while they run.
LEFT_MB, USED_MB = 30.0, 150.0


@dataclass
class Answerer:
    """Plays the services: answers requests once ``wanted`` of them have arrived, all at once."""

    producer: AIOKafkaProducer
    wanted: int = 0
    asked: list[Request] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, wanted: int) -> None:
        self.wanted, self.asked = wanted, []
        self.complete.clear()

    def note(self, record: Any) -> None:
        request = Request.model_validate_json(record.value)
        if request.request_id.startswith("stream-"):
            self.asked.append(request)
        if len(self.asked) == self.wanted:
            self.complete.set()

    async def answer_all(self) -> None:
        """Answer in another order than that of the requests."""
        for request in reversed(self.asked):
            key = f"{request.tenant}:{request.request_id}".encode()
            await self.producer.send(
                topic("responses").name, encode(respond(request, answer=_answer(request.query))), key=key
            )
        await self.producer.flush()


def _answer(question: str) -> str:
    """The answer to a question, which no other question has."""
    word = f"{question.split()[1]} "
    return word * ((LONG if "long" in question else SHORT) // len(word))


@asynccontextmanager
async def answering(kafka: dict[str, Any]) -> AsyncIterator[Answerer]:
    producer = AIOKafkaProducer(**kafka, acks="all", max_request_size=2 * 1024 * 1024)
    consumer = AIOKafkaConsumer(**kafka, enable_auto_commit=False)
    await producer.start()
    await consumer.start()
    places = [TopicPartition(topic("requests").name, p) for p in range(topic("requests").partitions)]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)
    answerer = Answerer(producer)
    try:
        async with following(consumer, answerer.note):
            yield answerer
    finally:
        await consumer.stop()
        await producer.stop()


@dataclass
class Caller:
    """Opens streams to the gateway; each has a question of its own."""

    port: int
    key: str

    def call(self, question: str) -> bytes:
        """The bytes of a call."""
        messages = [{"role": "user", "content": question}]
        body = json.dumps({"model": "septet", "messages": messages, "stream": True})
        return (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: septet\r\nauthorization: Bearer {self.key}\r\n"
            f"idempotency-key: stream-{uuid4().hex}\r\ncontent-length: {len(body)}\r\n"
            f"connection: close\r\n\r\n{body}"
        ).encode()

    async def read(self, number: int, pause_s: float) -> str:
        """Read a stream to its end; returns its text."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
        try:
            writer.write(self.call(f"thing n{number}?"))
            received = bytearray()
            while some := await reader.read(4096):
                received += some
                await asyncio.sleep(pause_s)
        finally:
            writer.close()
        return _text(bytes(received))

    async def open_unread(self, number: int) -> socket.socket:
        """Open a stream that the client does not read. Its buffers, and so the server's, hold a few KB."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", self.port))
        await loop.sock_sendall(client, self.call(f"thing u{number} long?"))
        return client


def _text(received: bytes) -> str:
    """The text of a complete stream."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    events = _unchunked(body).decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(e.removeprefix("data: ")) for e in events[:-2]]
    assert len({c["id"] for c in chunks}) == 1
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


def _unchunked(body: bytes) -> bytes:
    found, at = [], 0
    while size := int(body[at : (line := body.index(b"\r\n", at))], 16):
        found.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size
    return b"".join(found)


async def _until_disconnected(clients: Sequence[socket.socket], pid: int) -> None:
    """Wait until the gateway has closed connections. A look at them from here would read, which is progress."""
    ports = {client.getsockname()[1] for client in clients}
    while any(c.raddr and c.raddr.port in ports for c in psutil.Process(pid).net_connections("tcp")):  # noqa: ASYNC110 - sockets of another process
        await asyncio.sleep(0.2)


async def _is_cut(client: socket.socket) -> bool:
    """Whether the server ended a connection before the answer was complete."""
    loop, received = asyncio.get_running_loop(), bytearray()
    try:
        while some := await loop.sock_recv(client, 65_536):
            received += some
    except ConnectionError:
        return True
    return b"[DONE]" not in received


def _rss_mb(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 2**20


async def _highest_rss(pid: int, until: Callable[[], bool]) -> float:
    highest = 0.0
    while not until():
        highest = max(highest, _rss_mb(pid))
        await asyncio.sleep(0.05)
    return highest


async def _round(caller: Caller, answerer: Answerer, first: int, pid: int) -> None:
    """Open all streams, answer them together, and check every text."""
    answerer.expect(STREAMS + UNREAD)
    unread = [await caller.open_unread(first + n) for n in range(UNREAD)]
    try:
        numbers = range(first, first + STREAMS)
        # A slow reader takes 4 KB in 200 ms; the others read at once.
        reads = [asyncio.ensure_future(caller.read(n, 0.2 if n % 5 == 0 else 0)) for n in numbers]
        async with asyncio.timeout(60):
            await answerer.complete.wait()
            await asyncio.sleep(HELD_S)
            await answerer.answer_all()
            texts = await asyncio.gather(*reads)
        wrong = [n for n, text in zip(numbers, texts, strict=True) if text != _answer(f"thing n{n}?")]
        assert wrong == []
        async with asyncio.timeout(WRITE_LIMIT_S + 30):
            await _until_disconnected(unread, pid)
            assert [await _is_cut(client) for client in unread] == [True] * UNREAD
    finally:
        for client in unread:
            client.close()


async def test_200_streams_of_one_process(stack: Stack) -> None:
    assert stack.addresses is not None
    addresses = stack.addresses
    env = {
        "SEPTET_GATEWAY_WRITE_LIMIT": f"PT{WRITE_LIMIT_S}S",
        "SEPTET_GATEWAY_KEEP_ALIVE": "PT1S",
        "SEPTET_OTLP_ENDPOINT": "",
    }
    state = await stack.spawn_service("gateway", module_of("gateway"), env)
    assert state.pid is not None
    async with open_keys(addresses) as store:
        key = await store.table.create("default", "streams", ("ask",), store.secret)
    async with answering(addresses.connection("admin").options()) as answerer:
        caller = Caller(addresses.gateway_port, key)
        rounds = asyncio.ensure_future(_rounds(caller, answerer, state.pid))
        highest = await _highest_rss(state.pid, rounds.done)
        left = await rounds
    print(f"resident MB after each round: {[round(mb, 1) for mb in left]}, highest {highest:.1f}")
    assert left[-1] - left[-2] < LEFT_MB
    assert highest - left[0] < USED_MB


async def _rounds(caller: Caller, answerer: Answerer, pid: int) -> list[float]:
    """Resident memory before the first round and after each of three."""
    left = [_rss_mb(pid)]
    for number in range(3):
        await _round(caller, answerer, 1000 * (number + 1), pid)
        left.append(_rss_mb(pid))
    return left

"""Short-lived consumers: bounded stops, the end of a search, and the close of TLS connections."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
import uvloop
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from septet_kit.messaging import reader
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.reader import open_reader, records_since

ADDRESS = "127.0.0.1:9"


class FakeClient:
    """Connections of a consumer."""

    closed = False

    async def close(self) -> None:
        self.closed = True


class FakeConsumer:
    """A consumer whose stop ends as ``outcome`` says."""

    def __init__(self, outcome: str = "") -> None:
        self._client = FakeClient()
        self._outcome = outcome
        self.stopping = asyncio.Event()
        self.starts = asyncio.Event()
        self.starts.set()

    async def start(self) -> None:
        await self.starts.wait()

    async def stop(self) -> None:
        self.stopping.set()
        if self._outcome == "error":
            raise KafkaError("cannot leave")
        if self._outcome == "cancelled":
            # As aiokafka does when it awaits a task of its fetcher that it has cancelled.
            raise asyncio.CancelledError
        if self._outcome == "hang":
            await asyncio.Event().wait()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeConsumer], FakeConsumer]:
    """Let :func:`open_reader` open a given consumer, and stop it within 10 ms."""

    def put(consumer: FakeConsumer) -> FakeConsumer:
        monkeypatch.setattr(reader, "tolerant_consumer", lambda **_: consumer)
        monkeypatch.setattr(reader, "_STOP_S", 0.01)
        return consumer

    return put


@pytest.mark.parametrize("outcome", ["", "error", "cancelled", "hang"])
async def test_a_stop_neither_delays_nor_fails_its_caller_and_closes_the_connections(
    use: Callable[[FakeConsumer], FakeConsumer], outcome: str
) -> None:
    consumer = use(FakeConsumer(outcome))

    async def read() -> str:
        async with open_reader(ADDRESS):
            return "found"

    assert await asyncio.wait_for(read(), 5) == "found"
    for _ in range(10):
        await asyncio.sleep(0)
    assert consumer._client.closed
    assert not reader._stopping


async def test_a_consumer_is_stopped_if_its_start_is_cancelled(
    use: Callable[[FakeConsumer], FakeConsumer],
) -> None:
    consumer = use(FakeConsumer())
    consumer.starts.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), open_reader(ADDRESS):
            pass
    assert consumer.stopping.is_set()


async def test_partitions_without_newer_records_are_not_polled() -> None:
    empty, full = TopicPartition("t", 0), TopicPartition("t", 1)

    class Consumer:
        def __init__(self) -> None:
            self.at = {empty: 0, full: 0}
            self.polled: list[Any] = []
            self.paused: list[Any] = []

        async def end_offsets(self, _: Any) -> dict[Any, int]:
            return {empty: 7, full: 1}

        async def offsets_for_times(self, _: Any) -> dict[Any, Any]:
            return {empty: None, full: type("At", (), {"offset": 0})}

        def seek(self, partition: Any, offset: int) -> None:
            self.at[partition] = offset

        async def position(self, partition: Any) -> int:
            return self.at[partition]

        def pause(self, *partitions: Any) -> None:
            self.paused.extend(partitions)

        async def getmany(self, *partitions: Any, timeout_ms: int) -> dict[Any, list[Any]]:
            self.polled.append(set(partitions))
            self.at[full] = 1
            return {full: ["record"]}

    consumer = Consumer()
    starts = dict.fromkeys((empty, full), datetime.now(UTC))
    assert [r async for r in records_since(consumer, starts)] == ["record"]  # type: ignore[comparison-overlap]
    assert (consumer.polled, consumer.paused) == ([{full}], [empty])


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A TLS server that reads one message and then neither reads nor closes; its port, and its authority."""
    from septet_native.credentials.certificates import Certificates

    certificates = Certificates(tmp_path)
    certificates.ensure()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.server)
    done = threading.Event()
    with create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with context.wrap_socket(accepted, server_side=True) as connection:
                connection.recv(1)
                done.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], certificates.authority
        done.set()
        thread.join()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_a_connection_closes_although_the_broker_does_not_answer_the_close(
    silent_server: tuple[int, Path], run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    port, authority = silent_server
    context = KafkaConnection(ADDRESS, "SASL_SSL", "u", "p", authority).options()["ssl_context"]

    async def connect() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"request")
        writer.close()
        async with asyncio.timeout(5):
            await writer.wait_closed()

    await asyncio.to_thread(run, connect())

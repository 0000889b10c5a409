"""The embedded stack with its real servers: requests, restarts, and data over restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import openai
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from septet_native.doctor.running import check_running
from septet_native.errors import AlreadyRunning, ServerFailed
from septet_native.processes.process import tail
from septet_native.stack.addresses import Addresses
from septet_native.stack.data_dir import remove_data_dir
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack
from septet_native.stack.state import read_state, state_file

pytestmark = pytest.mark.servers

TOPIC = "greetings"
ANY_PORT = dict.fromkeys(
    ("kafka_port", "kafka_controller_port", "postgres_port", "embeddings_port", "llm_port", "traces_port"), 0
)
SERVICE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
print("instance", os.environ["SEPTET_INSTANCE"], "kafka", os.environ["SEPTET_KAFKA_BOOTSTRAP"], flush=True)
HTTPServer(("127.0.0.1", int(os.environ["SEPTET_HEALTH_PORT"])), Handler).serve_forever()
"""


def settings(data_dir: Path) -> StackSettings:
    return StackSettings(data_dir=data_dir, **ANY_PORT)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    data_dir = tmp_path_factory.mktemp("stack")
    async with Stack(settings(data_dir)) as stack:
        await stack.start()
        yield stack
    remove_data_dir(data_dir)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    remove_data_dir(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def addresses(stack: Stack) -> Addresses:
    assert stack.addresses is not None
    return stack.addresses


async def produce(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(TOPIC, value)


async def consume(bootstrap: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(20):
        return [(await consumer.getone()).value for _ in range(count)]


async def create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        await admin.close()


async def test_kafka_stores_records_above_a_mebibyte(addresses: Addresses) -> None:
    await create_topic(addresses.kafka)
    large = "가".encode() * 500_000
    async with AIOKafkaProducer(
        bootstrap_servers=addresses.kafka, acks="all", max_request_size=2_000_000
    ) as producer:
        await producer.send_and_wait(TOPIC, large)
    assert await consume(addresses.kafka, 1) == [large]


async def test_postgres_handles_vectors_and_text_of_both_languages(addresses: Addresses) -> None:
    connection = await asyncpg.connect(addresses.postgres_dsn)
    try:
        assert await connection.fetchval("SELECT '[1,2,3]'::vector <-> '[1,2,4]'::vector") == 1.0
        assert await connection.fetchval("SELECT lower('ÀÉ') || '서울'") == "àé서울"
        # A superuser would bypass row-level security.
        assert await connection.fetchval("SHOW is_superuser") == "off"
        await connection.execute("CREATE SCHEMA own; DROP SCHEMA own")
    finally:
        await connection.close()


async def test_postgres_rejects_a_wrong_password(addresses: Addresses) -> None:
    host = addresses.postgres_dsn.split("@")[1]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://septet:wrong@{host}")


async def test_the_openai_client_gets_embeddings(addresses: Addresses) -> None:
    async with openai.AsyncOpenAI(base_url=addresses.embeddings_url, api_key="none") as client:
        reply = await client.embeddings.create(
            model=addresses.embeddings_model, input=["hello", "안녕하세요"]
        )
    assert [len(item.embedding) for item in reply.data] == [384, 384]


async def test_the_openai_client_gets_an_answer_and_a_stream(addresses: Addresses) -> None:
    question = "Context: The meeting is on Tuesday. Question: On which day is the meeting?"
    async with openai.AsyncOpenAI(base_url=addresses.llm_url, api_key="none") as client:
        reply = await client.chat.completions.create(
            model=addresses.llm_model,
            messages=[{"role": "user", "content": question}],
            max_tokens=24,
            temperature=0,
        )
        assert "Tuesday" in (reply.choices[0].message.content or "")
        stream = await client.chat.completions.create(
            model=addresses.llm_model,
            messages=[{"role": "user", "content": "Say yes."}],
            max_tokens=4,
            stream=True,
        )
        assert len([chunk async for chunk in stream]) > 1


async def test_span_of_the_sdk_is_found(addresses: Addresses) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "test"}))
    exporter = OTLPSpanExporter(f"{addresses.otlp_endpoint}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def send() -> None:
        with provider.get_tracer("test").start_as_current_span("hop") as span:
            span.set_attribute("septet.request_id", "요청-1")
        provider.shutdown()

    await asyncio.to_thread(send)
    async with httpx.AsyncClient(base_url=addresses.traces_url) as client:
        found = (await client.get("/api/search", params={"q": "요청-1"})).json()["data"]
        (trace,) = (await client.get(f"/api/traces/{found[0]}")).json()["data"]
    assert trace["spans"][0]["operationName"] == "hop"


async def test_state_file_lists_the_processes_and_only_its_owner_can_read_it(stack: Stack) -> None:
    state = read_state(stack.places.data)
    assert state is not None
    assert state.addresses == stack.addresses
    assert {process.name for process in state.processes} == {
        "kafka",
        "postgres",
        "embeddings",
        "llm",
        "traces",
    }
    assert stat.S_IMODE(state_file(stack.places.data).stat().st_mode) == 0o600
    assert all(check.ok for check in await check_running(state))


async def test_servers_listen_on_loopback_only(stack: Stack) -> None:
    for process in stack.status():
        assert process.pid is not None
        listening = [
            c.laddr.ip for c in psutil.Process(process.pid).net_connections("tcp") if c.status == "LISTEN"
        ]
        assert listening
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


async def test_second_stack_is_rejected_and_the_first_keeps_running(stack: Stack) -> None:
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        async with Stack(settings(stack.places.data)) as second:
            await second.start()
    assert read_state(stack.places.data) is not None


async def test_service_gets_its_environment_and_is_restarted(stack: Stack, addresses: Addresses) -> None:
    first = await stack.spawn_service("dummy", (sys.executable, "-c", SERVICE), {})
    assert first.state == "ready"
    assert f"instance dummy-0 kafka {addresses.kafka}" in tail(Path(first.log))
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)

    def again() -> bool:
        now = stack.status()[-1]
        return (now.state, now.restarts) == ("ready", 1) and now.pid != first.pid

    async with asyncio.timeout(20):
        while not again():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.05)


async def test_error_of_a_failed_service_contains_its_log(stack: Stack) -> None:
    with pytest.raises(ServerFailed, match="no such policy"):
        await stack.spawn_service("bad", (sys.executable, "-c", "raise SystemExit('no such policy')"), {})


async def test_stop_keeps_data_and_leaves_no_process(data_dir: Path) -> None:
    small = settings(data_dir).model_copy(update={"llm": False})
    async with Stack(small) as stack:
        first = await stack.start()
        await create_topic(first.kafka)
        await produce(first.kafka, b"kept")
        connection = await asyncpg.connect(first.postgres_dsn)
        await connection.execute("CREATE TABLE kept (body text); INSERT INTO kept VALUES ('유지')")
        await connection.close()
        pids = [process.pid for process in stack.status()]
    assert all(pid is not None and not psutil.pid_exists(pid) for pid in pids)
    assert read_state(data_dir) is None

    async with Stack(small) as stack:
        second = await stack.start()
        assert await consume(second.kafka, 1) == [b"kept"]
        connection = await asyncpg.connect(second.postgres_dsn)
        assert await connection.fetchval("SELECT body FROM kept") == "유지"
        await connection.close()


RUN = """
import asyncio, sys
from pathlib import Path
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack
async def main():
    async with Stack(StackSettings(data_dir=Path(sys.argv[1]))) as stack:
        await stack.start()
        print("up", flush=True)
        await asyncio.sleep(120)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
async def test_crash_leaves_no_process_and_the_next_start_works(data_dir: Path) -> None:
    environment = {**os.environ, **{f"SEPTET_{name.upper()}": "0" for name in ANY_PORT}}
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(data_dir), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert runner.stdout is not None
    assert await runner.stdout.readline() == b"up\n"
    state = read_state(data_dir)
    assert state is not None
    runner.kill()
    await runner.wait()
    assert read_state(data_dir) is None
    pids = [process.pid for process in state.processes if process.pid is not None]
    assert len(pids) == 5
    async with asyncio.timeout(10):
        while any(psutil.pid_exists(pid) for pid in pids):  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.05)
    async with Stack(settings(data_dir).model_copy(update={"llm": False})) as stack:
        assert (await stack.start()).kafka

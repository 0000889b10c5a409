"""Administration of a broker that is fenced, or that answers with errors."""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import AsyncIterator

import pytest
from septet_kit.access.bindings import Changes
from septet_kit.access.cluster import Cluster
from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.messaging.connection import KafkaConnection

API_VERSIONS, METADATA, DESCRIBE_ACLS, DESCRIBE_USERS = 18, 3, 29, 50
SUPPORTED = {
    API_VERSIONS: (0, 0),
    METADATA: (0, 8),
    DESCRIBE_ACLS: (0, 1),
    DESCRIBE_USERS: (0, 0),
    0: (0, 3),
    1: (0, 4),
}
HOST = b"127.0.0.1"
DESCRIBE = """
import sys
from confluent_kafka.admin import AdminClient

admin = AdminClient({"bootstrap.servers": sys.argv[1], "log_level": 0})
admin.describe_cluster(include_authorized_operations=True, request_timeout=10).result(15)
"""


class FencedBroker:
    """Speaks as much of Kafka's protocol as an administrator needs.

    It lists itself, so that clients find it, except in the answer to a request that describes the cluster.
    """

    def __init__(self) -> None:
        self.port = 0
        self.error = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = await reader.readexactly(size)
                key, version, correlation = struct.unpack(">hhi", request[:8])
                answer = struct.pack(">i", correlation) + self._answer(key, version, request)
                writer.write(struct.pack(">i", len(answer)) + answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def _answer(self, key: int, version: int, request: bytes) -> bytes:
        if key == API_VERSIONS:
            entries = b"".join(struct.pack(">hhh", key, *span) for key, span in SUPPORTED.items())
            return struct.pack(">hi", 0 if version == 0 else 35, len(SUPPORTED)) + entries
        if key == METADATA:
            # The last two fields of version 8 ask for permissions: on the cluster, on topics.
            described = version == 8 and request[-2] == 1
            return self._brokers(fenced=described) + (struct.pack(">i", 0x0FFF) if version == 8 else b"")
        if key == DESCRIBE_ACLS:
            return struct.pack(">ihhi", 0, self.error, -1, 0)
        assert key == DESCRIBE_USERS
        # A response in the flexible format: tags, throttle time, error, no message, no users, tags.
        return struct.pack(">xihxBx", 0, self.error, 1)

    def _brokers(self, *, fenced: bool) -> bytes:
        rack = struct.pack(">h", -1)
        entry = struct.pack(">ih", 1, len(HOST)) + HOST + struct.pack(">i", self.port) + rack
        brokers = struct.pack(">i", 0) if fenced else struct.pack(">i", 1) + entry
        return struct.pack(">i", 0) + brokers + struct.pack(">hii", -1, -1 if fenced else 1, 0)


@pytest.fixture
async def broker() -> AsyncIterator[FencedBroker]:
    fenced = FencedBroker()
    server = await asyncio.start_server(fenced.serve, "127.0.0.1", 0)
    fenced.port = server.sockets[0].getsockname()[1]
    yield fenced
    server.close()


async def test_lists_are_read(broker: FencedBroker) -> None:
    cluster = Cluster(KafkaConnection(f"127.0.0.1:{broker.port}"))
    assert await cluster.pending(set()) == Changes((), ())
    assert await cluster.users() == set()


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (31, Permanent, "kafka_not_admin"),
        (35, Permanent, "kafka_unsupported"),
        (41, Transient, "kafka_refused"),
        (54, Permanent, "kafka_without_acls"),
    ],
)
async def test_a_refusal_to_list_is_typed(
    broker: FencedBroker, error: int, kind: type[SeptetError], code: str
) -> None:
    broker.error = error
    cluster = Cluster(KafkaConnection(f"127.0.0.1:{broker.port}"))
    for listing in (cluster.pending(set()), cluster.users()):
        with pytest.raises(kind) as refused:
            await listing
        assert refused.value.code == code


async def run(program: str, port: int) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        f"127.0.0.1:{port}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, output.decode()


async def test_librdkafka_still_aborts_when_it_describes_a_fenced_cluster(broker: FencedBroker) -> None:
    """Fails once the fault is fixed upstream: then ``describe_cluster`` can be used."""
    code, output = await run(DESCRIBE, broker.port)
    assert code == -6, output
    assert "rko_result" in output

"""The instance lock on a real database: one process per name, also after a silent network."""

from __future__ import annotations

import asyncio
import socket
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from septet_kit import KitSettings, Permanent
from septet_kit.lifecycle import running
from septet_kit.store.instance_lock import InstanceLock
from septet_kit.store.keepalive import SERVER_KEEPALIVE

from ..chaos.proxy import proxied
from .conftest import run_once


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of the instance lock that a test can wait for."""
    for name, seconds in {"_PATIENCE_S": 0.5, "_CHECK_S": 0.1, "_CONNECT_S": 1.0}.items():
        monkeypatch.setattr(f"septet_kit.store.instance_lock.{name}", seconds)


@pytest.mark.usefixtures("impatient")
async def test_one_process_per_instance_name(settings: KitSettings) -> None:
    dsn, name = settings.postgres_dsn.get_secret_value(), uuid4().hex
    first, second = InstanceLock(dsn, "t", name), InstanceLock(dsn, "t", name)
    await first.acquire()
    with pytest.raises(Permanent, match="another process") as caught:
        await second.acquire()
    assert caught.value.code == "instance_taken"
    await first.release()
    await second.acquire()
    await second.release()


@pytest.mark.usefixtures("impatient")
async def test_a_lost_lock_is_acquired_again(settings: KitSettings) -> None:
    dsn, name = settings.postgres_dsn.get_secret_value(), uuid4().hex
    lock = InstanceLock(dsn, "t", name)
    await lock.acquire()
    async with running([lock.guard]):
        assert lock._connection is not None
        lock._connection.terminate()
        await asyncio.sleep(1)
        with pytest.raises(Permanent):
            await InstanceLock(dsn, "t", name).acquire()
    await lock.release()


async def test_both_ends_of_the_lock_s_session_send_keepalives(settings: KitSettings) -> None:
    lock = InstanceLock(settings.postgres_dsn.get_secret_value(), "t", uuid4().hex)
    await lock.acquire()
    connection = lock._connection
    assert connection is not None
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]
    client = transport.get_extra_info("socket")
    server = {
        n: int(await connection.fetchval(f"SELECT setting FROM pg_settings WHERE name = '{n}'"))
        for n in SERVER_KEEPALIVE
    }
    await lock.release()
    assert server == {n: int(v) for n, v in SERVER_KEEPALIVE.items()}
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    if sys.platform == "linux":
        assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


@pytest.mark.usefixtures("impatient")
async def test_a_process_behind_a_silent_network_loses_its_lock_to_its_replacement(
    settings: KitSettings,
) -> None:
    dsn, name = settings.postgres_dsn.get_secret_value(), uuid4().hex
    port = urlsplit(dsn).port
    assert port is not None
    async with proxied(port) as proxy:
        cut_off = InstanceLock(dsn.replace(f":{port}", f":{proxy.port}"), "t", name)
        await cut_off.acquire()
        guard = asyncio.ensure_future(cut_off.guard())
        proxy.weather.silent = True
        await asyncio.sleep(1)
        assert cut_off._connection is None, "it does not believe in a lock that it cannot check"
        replacement = InstanceLock(dsn, "t", name)
        with pytest.raises(Permanent):
            await replacement.acquire()
        # The server's keepalives end the session of a machine that is gone; the proxy answers them, so that this is
        # what the server does then.
        await run_once(
            dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = "
            "(hashtextextended($1, 0) & x'ffffffff'::bigint)::oid",
            f"t/{name}",
        )
        await replacement.acquire()
        proxy.weather.silent = False
        with pytest.raises(Permanent, match="another process"):
            await guard
        await replacement.release()

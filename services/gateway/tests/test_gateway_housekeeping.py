"""Background tasks of the gateway."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from septet_contracts import Request
from septet_gateway.adapters.kafka import KafkaLog
from septet_gateway.housekeeping import ProducerGuard
from septet_kit.errors import Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.producer import ProducerFailed
from septet_kit.tenants import SHARED_ONLY


@dataclass
class Broken:
    """A publisher whose producer has failed."""

    failure: str | None = "fenced"

    async def publish(self, *_: object) -> None:
        raise ProducerFailed("fenced")


async def test_a_failed_producer_ends_the_process() -> None:
    sender = Broken(None)
    running = asyncio.create_task(ProducerGuard(sender, 0.001).run())
    await asyncio.sleep(0.01)
    assert not running.done()
    sender.failure = "fenced"
    with pytest.raises(RuntimeError, match="fenced"):
        await asyncio.wait_for(running, 5)


async def test_a_call_on_a_failed_producer_may_be_retried() -> None:
    log = KafkaLog(KafkaConnection("127.0.0.1:9"), SHARED_ONLY, Broken(), timedelta(seconds=1))  # type: ignore[arg-type]
    with pytest.raises(Transient) as error:
        await log.publish(Request(request_id="r-1", question="q"))
    assert error.value.code == "broker_unavailable"

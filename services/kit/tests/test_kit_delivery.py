"""Delivery of a step's records: nothing is lost, and nothing is repeated without need."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from septet_kit.errors import Permanent
from septet_kit.messaging.delivery import Delivery
from septet_kit.messaging.producer import ProducerFailed

from .support.clock import ended, now, simulated
from .support.kafka import Broker, SimulatedPublisher, record


async def _made() -> tuple[Broker, SimulatedPublisher, Delivery]:
    broker = Broker()
    publisher = SimulatedPublisher(broker)
    await publisher.start()
    return broker, publisher, Delivery(publisher)


@simulated
async def test_a_record_is_sent_again_until_it_is_acknowledged() -> None:
    broker, publisher, delivery = await _made()
    failures = iter([KafkaTimeoutError(), KafkaTimeoutError()])
    publisher.client.on_answer = lambda topic: next(failures, None) if topic == "slow" else None
    await delivery.deliver([record(b"1"), record(b"2", topic="slow"), record(b"3")])
    assert broker.values == [b"1", b"3", b"2"], "what was acknowledged is not sent again"
    assert now() == 2.0


@simulated
async def test_a_blocked_delivery_is_one_wait() -> None:
    _, publisher, delivery = await _made()
    publisher.client.on_enqueue = lambda _: KafkaTimeoutError()
    delivering = asyncio.ensure_future(delivery.deliver([record()]))
    await asyncio.sleep(100)
    assert publisher.blocked_s == 100.0, "each try is short; the wait is not"
    await ended(delivering)
    assert publisher.blocked_s == 0.0


@simulated
async def test_a_record_that_no_topic_takes_is_raised() -> None:
    broker, publisher, delivery = await _made()
    publisher.client.on_enqueue = lambda topic: MessageSizeTooLargeError() if topic == "small" else None
    with pytest.raises(Permanent):
        await delivery.deliver([record(b"1"), record(b"2", topic="small")])
    assert broker.values == [b"1"]


@simulated
async def test_a_dead_producer_ends_a_delivery_at_once() -> None:
    _, publisher, delivery = await _made()
    publisher.client.answers.clear()
    delivering = asyncio.ensure_future(delivery.deliver([record()]))
    await asyncio.sleep(1)
    publisher.client.end_sender(KafkaError())
    with pytest.raises(ProducerFailed):
        await delivering
    with pytest.raises(ProducerFailed):
        await delivery.deliver([record()])
    assert now() == 1.0

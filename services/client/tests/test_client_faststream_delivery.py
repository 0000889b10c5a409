"""Delivery to FastStream handlers: pauses and skipped records, without a broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from faststream.exceptions import AckMessage, RejectMessage, SetupError
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512
from septet_client import Connection, InvalidInput, Response
from septet_client.faststream import AtLeastOnce, SeptetRouter, broker, delivery
from septet_client.faststream import router as router_module
from septet_client.faststream.delivery import BrokenContract, Decoder
from septet_contracts import Request, encode

from .support import respond


@dataclass
class Raw:
    """A consumed record."""

    offset: int
    topic: str = "septet.responses.v2"
    partition: int = 0


@dataclass
class Message:
    """A message with a body."""

    body: bytes


def test_pauses_double_up_to_the_limit_and_start_again_with_another_record() -> None:
    policy = AtLeastOnce(first_pause_s=1, longest_pause_s=5)
    assert [policy.pause(Raw(7)) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert policy.pause(Raw(8)) == 1
    assert policy.pause(Raw(7, partition=1)) == 1
    assert [policy.pause(Raw(9)) for _ in range(2000)][-1] == 5


async def test_a_failure_waits_and_a_broken_record_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(delivery.asyncio, "sleep", sleep)
    made = AtLeastOnce()(Raw(1), context=None)

    async def end(error: BaseException | None) -> Any:
        return await made.after_processed(type(error) if error else None, error, None)

    assert await end(ValueError("x")) is False
    assert slept == [1]
    assert await end(None) is False
    assert await end(AckMessage()) is False
    assert await end(KeyboardInterrupt()) is False
    with pytest.raises(RejectMessage):
        await end(BrokenContract("x"))
    assert slept == [1]


async def test_a_record_is_decoded_by_its_contract() -> None:
    response = respond(Request(request_id="r", question="x"))
    decode: Any = Decoder(Response)
    assert await decode(Message(encode(response))) == response
    with pytest.raises(BrokenContract):
        await decode(Message(b"{}"))


def test_the_router_subscribes_one_handler_of_each_kind() -> None:
    router = SeptetRouter("app", tenant="acme", own_topics=True)

    @router.on_response
    async def show(response: Response) -> None: ...

    with pytest.raises(SetupError):
        router.on_response(show)
    made = KafkaBroker(routers=[router])
    (subscriber,) = made.subscribers
    assert subscriber.topic_names == ["septet.responses.v2.acme"]
    assert subscriber.group_id == "tenant-acme.app.responses"
    assert subscriber.ack_policy.value == "nack_on_error"


def test_the_broker_takes_the_connection() -> None:
    made = router_module._security(Connection("a:1,b:2", "SASL_SSL", "u", "p"))
    assert isinstance(made, SASLScram512)
    assert made.use_ssl
    assert not router_module._security(Connection("a:1")).use_ssl
    with pytest.raises(InvalidInput):
        broker(Connection("a:1", "SASL_SSL"))

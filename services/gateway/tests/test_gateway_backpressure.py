"""Refusal of questions while the first stage has too many of them."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from septet_gateway.application.backpressure import Backpressure
from septet_gateway.domain.errors import ApiError
from septet_gateway.housekeeping import BacklogMeter
from septet_gateway.telemetry import backlog
from septet_kit.errors import Transient

from .conftest import open_client
from .support import KEYS, World

CHAT = "/v1/chat/completions"
BODY = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait_ms(readings: list[int], limit: int = 100, every: float = 1.0) -> int:
    """The time to wait after readings at an interval."""
    clock = Clock()
    pressure = Backpressure(limit, clock)
    for records in readings:
        pressure.note(records)
        clock.now += every
    with pytest.raises(ApiError) as refused:
        pressure.check()
    assert (refused.value.status, refused.value.code) == (429, "overloaded")
    assert refused.value.headers["retry-after"] == str(
        math.ceil(int(refused.value.headers["retry-after-ms"]) / 1000)
    )
    return int(refused.value.headers["retry-after-ms"])


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([500, 450, 400], 6_000),
        # The rise before the peak does not count.
        ([0, 300, 700, 600], 5_000),
        ([700, 100, 110], 1_000),
        ([5000, 4999], 60_000),
        # The backlog does not fall.
        ([500], 10_000),
        ([300, 400, 500], 10_000),
        ([500, 500], 10_000),
    ],
)
def test_the_wait_follows_from_the_rate_at_which_the_backlog_falls(
    readings: list[int], expected: int
) -> None:
    assert wait_ms(readings) == expected


def test_only_the_last_readings_count() -> None:
    assert wait_ms([100_000] * 5 + [400] * 10) == 10_000


def test_a_backlog_within_the_limit_or_unknown_refuses_nothing() -> None:
    pressure = Backpressure(100)
    pressure.check()
    pressure.note(100)
    pressure.check()
    pressure.note(101)
    with pytest.raises(ApiError):
        pressure.check()
    pressure.note(None)
    pressure.check()
    assert math.isnan(backlog._value.get())


@dataclass
class Broker:
    """A broker whose readings the test gives; an exception is raised."""

    readings: list[int | Exception]
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> int:
        if not self.readings:
            self.done.set()
            await asyncio.Event().wait()
        reading = self.readings.pop(0)
        if isinstance(reading, Exception):
            raise reading
        return reading


async def test_the_meter_goes_on_after_a_failed_read() -> None:
    pressure = Backpressure(100)
    for readings, is_refused in (([500], True), ([500, Transient("broker_unavailable", "b")], False)):
        broker = Broker([*readings])
        task = asyncio.ensure_future(BacklogMeter(broker, pressure, timedelta(milliseconds=1)).run())
        await asyncio.wait_for(broker.done.wait(), 5)
        task.cancel()
        if is_refused:
            with pytest.raises(ApiError):
                pressure.check()
        else:
            pressure.check()


def test_questions_alone_are_refused(world: World) -> None:
    with open_client(world, KEYS["admin"]) as client:
        world.pressure.note(1001)
        for path, body in (
            (CHAT, BODY),
            (CHAT, {**BODY, "stream": True}),
            ("/v1/responses", {"model": "septet", "input": "q"}),
            ("/v1/septet/requests", {"question": "q"}),
            ("/v1/septet/checks", {"question": "q"}),
        ):
            refused = client.post(path, json=body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
            assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("10", "10000")
        assert world.asked == []
        assert world.requests.rows == {}
        feedback = {"kind": "thumbs", "value": "up", "request_id": "r-1"}
        assert client.post("/v1/septet/feedback", json=feedback).status_code == 202
        assert client.put("/v1/septet/documents/d", json={"text": "t"}).status_code == 202
        assert client.get("/v1/models").status_code == 200
        world.pressure.note(1000)
        assert client.post(CHAT, json=BODY).status_code == 200

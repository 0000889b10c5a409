"""Tokens of calls that end before their response."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from septet_contracts import ErrorInfo, Request
from septet_gateway.api.routes import Parts, create_app
from septet_gateway.application import charging
from septet_gateway.application.charging import PendingCharges
from septet_gateway.application.quotas import Quotas
from septet_gateway.domain.keys import Caller
from septet_gateway.domain.quotas import Limits, estimated_tokens

from .support import MemoryUsage, World, digest, respond
from .test_gateway_cancellations import CHAT, RESPONSES, Connection
from .test_gateway_partials import FIRST, SECOND, open_world
from .test_gateway_quotas import quotas_of, until_reported
from .usage_suite import LEASE

USAGE = {"prompt_tokens": 900, "completion_tokens": 100}
REQUEST = Request(request_id="r-1", tenant="acme", question="q")
CANCELLED: dict[str, Any] = {
    "status": "cancelled",
    "answer": None,
    "error": ErrorInfo(code="cancelled", message="the request was cancelled"),
}
SHOWN_TOKENS = estimated_tokens(len(FIRST))


def started(**fields: Any) -> tuple[World, Parts]:
    """A gateway that shows a first sentence, and gives the response 0.1 s later."""
    world = open_world([(1, 0, FIRST)], FIRST + SECOND, **fields)
    world.log.delay = 0.12
    return world, world.parts(key_tokens_per_minute=1_000_000, cancel_grace="PT1H")


async def leave(parts: Parts, path: str = CHAT, key: str | None = None) -> None:
    """A client that reads the first sentence and disconnects."""
    connection = Connection(create_app(parts), path, stream=True, key=key)
    connection.on_sent = lambda: connection.gone.set() if FIRST in connection.text else None
    await connection.run()
    assert FIRST in connection.text
    assert "two ends" not in connection.text


async def counted(parts: Parts) -> int:
    """The tokens that were written to the table."""
    await until_reported(parts.quotas)
    table: Any = parts.quotas._table
    return sum(report.tokens for report in table.reports)


async def until_answered(world: World, count: int = 1) -> None:
    async with asyncio.timeout(5):
        while len(world.log.responses) < count:  # noqa: ASYNC110 - nothing notifies
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize(
    ("fields", "tokens"), [({"usage": USAGE}, 1000), (CANCELLED, SHOWN_TOKENS)], ids=["usage", "cancelled"]
)
async def test_a_client_that_disconnects_after_text_is_charged(
    path: str, fields: dict[str, Any], tokens: int
) -> None:
    world, parts = started()
    world.log.answer = lambda request: respond(request, **fields)
    await leave(parts, path)
    assert await counted(parts) == 0
    await until_answered(world)
    assert await counted(parts) == tokens
    assert world.waiting.places.count == 0


async def test_a_repeat_that_waits_for_the_response_pays_for_it_once() -> None:
    world, parts = started(usage=USAGE)
    await leave(parts, key="k-1")
    world.log.delay = 0.02
    repeat = Connection(create_app(parts), CHAT, key="k-1", stream=True)
    await repeat.run()
    assert repeat.status == 200
    await until_answered(world, 2)
    assert await counted(parts) == 1000


async def test_a_repeat_that_disconnects_too_is_charged() -> None:
    world, parts = started(usage=USAGE)
    await leave(parts, key="k-1")
    repeat = Connection(create_app(parts), CHAT, key="k-1")
    repeat.gone.set()
    await repeat.run()
    await until_answered(world)
    assert await counted(parts) == 1000


async def test_a_call_whose_time_runs_out_after_text_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("septet_gateway.application.asking.DEFAULT_DEADLINE", timedelta(seconds=0.1))
    world, _ = started(usage=USAGE)
    world.log.delay = 0.3
    parts = world.parts(key_tokens_per_minute=1_000_000, response_margin="PT0S")
    call = Connection(create_app(parts), CHAT, stream=True)
    await call.run()
    assert FIRST in call.text
    assert "deadline_exceeded" in call.text
    await until_answered(world)
    assert await counted(parts) == 1000


async def test_a_request_that_is_cancelled_while_its_text_is_read_is_charged() -> None:
    world, parts = started()
    world.log.answer = lambda request: respond(request, **CANCELLED)
    call = Connection(create_app(parts), CHAT, stream=True)
    await call.run()
    assert FIRST in call.text
    assert await counted(parts) == SHOWN_TOKENS


async def test_a_response_that_does_not_come_is_charged_by_the_text() -> None:
    charges, charged = PendingCharges(), list[int]()
    charges.add("acme", "r-1", digest(REQUEST), charged.append, 41, wait_s=0.02)
    charges.deliver(respond(REQUEST.model_copy(update={"tenant": "globex"})))
    charges.deliver(respond(REQUEST.model_copy(update={"question": "another"}), request_digest="another"))
    await asyncio.sleep(0.05)
    charges.deliver(respond(REQUEST, usage=USAGE))
    assert charged == [11]
    assert not charges.is_expected("acme", "r-1")


async def test_the_charges_that_are_left_are_made_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charging, "_MOST", 1)
    charges, charged = PendingCharges(), list[int]()
    charges.add("acme", "r-1", "d", charged.append, 40)
    charges.add("acme", "r-2", "d", charged.append, 80)
    assert charged == [20]
    charges.close()
    charges.close()
    assert charged == [20, 10]


@pytest.mark.parametrize("has_another_call", [False, True])
async def test_tokens_that_are_charged_after_the_call_are_written(has_another_call: bool) -> None:
    quotas, table = quotas_of(Limits(tokens=100_000))
    admission = await quotas.admit(Caller("acme", "k", frozenset({"ask"})))
    admission.end()
    await until_reported(quotas)
    assert quotas._keys == {}
    if has_another_call:
        other = await quotas.admit(Caller("acme", "k", frozenset({"ask"})))
    admission.charge(70)
    if has_another_call:
        other.end()
    await until_reported(quotas)
    assert [report.tokens for report in table.reports if report.tokens] == [70]
    assert quotas._keys == {}


async def test_without_a_limit_of_tokens_nothing_is_written_late() -> None:
    limits = Limits(requests=10)
    table = MemoryUsage(limits, LEASE, {})
    quotas = Quotas(table, limits, LEASE)
    admission = await quotas.admit(Caller("acme", "k", frozenset({"ask"})))
    admission.end()
    admission.charge(70)
    await until_reported(quotas)
    assert len(table.reports) == 1

"""The outbox: a row is sent by one process at a time, and by somebody in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from septet_contracts import Outcome
from septet_kit import Emit
from septet_kit.lifecycle import running
from septet_kit.messaging.delivery import Delivery
from septet_kit.record import Record
from septet_kit.store.outbox import Outbox
from septet_kit.store.outbox_event import OutboxEmit
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import flow

from .support.clock import ended, now, simulated, turns
from .support.database import Connection, Table
from .support.kafka import Broker, SimulatedPublisher


class Instance:
    """One process of a service: its publisher, its way to the database, and its outbox."""

    def __init__(self, name: str, broker: Broker, table: Table) -> None:
        self._table = table
        self.publisher = SimulatedPublisher(broker, name)
        self.connection = Connection(table)
        self.outbox = Outbox(self.connection, name)
        self.outbox.connect(self.publisher, SHARED_ONLY)
        self.delivery = Delivery(self.publisher)

    async def start(self) -> Instance:
        await self.publisher.start()
        return self

    def commit(self) -> Record:
        """A step's transaction: the record of the event that it has put into the outbox."""
        sealed = self.seal()
        self._table.insert(sealed)
        return sealed.to_record(SHARED_ONLY)

    def seal(self) -> OutboxEmit:
        return self.outbox.seal(Emit("outcomes", _event()))


def _event() -> Outcome:
    return flow(Outcome, request_id=f"r-{uuid4().hex[:8]}", answer="x")


Scenario = Callable[[Instance, Instance, Broker, Table], Awaitable[None]]


def two_instances(scenario: Scenario) -> Callable[[], None]:
    """Run a scenario of two processes, whose outboxes run."""

    @simulated
    async def run() -> None:
        broker, table = Broker(), Table()
        a, b = await Instance("a-0", broker, table).start(), await Instance("b-0", broker, table).start()
        async with AsyncExitStack() as stack:
            for each in (a, b):
                await stack.enter_async_context(running([each.outbox.run, each.outbox.keep_claims]))
            await scenario(a, b, broker, table)

    def test() -> None:
        run()

    test.__name__ = scenario.__name__
    return test


@two_instances
async def test_a_row_is_its_holder_s_while_the_send_waits_for_buffer_space(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await asyncio.sleep(120)
    assert broker.records == [], "the other instance would have sent it after 10 s"
    a.publisher.client.space.set()
    await delivering
    await asyncio.sleep(60)
    assert [r.client for r in broker.records] == ["a-0"]
    assert table.unsent() == []


@two_instances
async def test_a_record_behind_a_blocked_one_is_held_too(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit(), a.commit()]))
    await asyncio.sleep(120)
    a.publisher.client.space.set()
    await delivering
    await asyncio.sleep(60)
    assert [r.client for r in broker.records] == ["a-0", "a-0"]


@two_instances
async def test_a_row_is_its_holder_s_until_the_broker_answers(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.answers.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await asyncio.sleep(300)
    assert broker.records == []
    a.publisher.client.answers.set()
    await delivering
    await asyncio.sleep(60)
    assert [r.client for r in broker.records] == ["a-0"]


@two_instances
async def test_a_process_that_cannot_renew_does_not_send_any_more(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await turns()
    a.connection.down = True
    await asyncio.sleep(30)
    assert [r.client for r in broker.records] == ["b-0"]
    a.publisher.client.space.set()
    await asyncio.sleep(30)
    assert len(broker.records) == 1, "the send was given up with the claim"
    assert not delivering.done(), "its step waits until it knows that the record is on the log"
    a.connection.down = False
    await delivering


@two_instances
async def test_a_row_that_another_process_took_is_not_sent(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await turns()
    [row] = table.unsent()
    row.update(claimed_by="c-0/x", claimed_until=row["claimed_until"] + timedelta(hours=1))
    await asyncio.sleep(4)
    a.publisher.client.space.set()
    await asyncio.sleep(30)
    assert broker.records == []
    await ended(delivering)


@two_instances
async def test_a_row_of_a_step_that_was_cut_off_is_sent_when_its_claim_lapses(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await asyncio.sleep(5)
    await ended(delivering)
    await asyncio.sleep(20)
    assert [r.client for r in broker.records] == ["b-0"]


@two_instances
async def test_a_record_that_did_not_fit_is_sent_again_under_its_claim(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    failures = iter([KafkaTimeoutError(), KafkaTimeoutError()])
    a.publisher.client.on_enqueue = lambda _: next(failures, None)
    await a.delivery.deliver([a.commit()])
    assert now() == 2.0
    await asyncio.sleep(60)
    assert [r.client for r in broker.records] == ["a-0"]


@two_instances
async def test_a_lapsed_claim_is_left_to_the_sweep(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    record = a.commit()
    await asyncio.sleep(7.5)
    delivering = asyncio.ensure_future(a.delivery.deliver([record]))
    await asyncio.sleep(1)
    assert broker.records == []
    await delivering
    assert len(broker.records) == 1


@two_instances
async def test_settling_waits_for_the_claim_of_a_process_that_died(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.commit()
    await asyncio.sleep(1)
    await b.outbox.settle()
    assert len(broker.records) == 1
    assert 10 <= now() < 12


@two_instances
async def test_settling_ends_when_a_live_process_holds_on(
    a: Instance, b: Instance, broker: Broker, table: Table
) -> None:
    a.publisher.client.space.clear()
    delivering = asyncio.ensure_future(a.delivery.deliver([a.commit()]))
    await asyncio.sleep(1)
    await b.outbox.settle()
    assert round(now()) == 34
    await ended(delivering)


@simulated
async def test_one_sweep_settles_all_that_an_earlier_life_left() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    for _ in range(450):
        a.commit()
    for row in table.unsent():
        row["claimed_by"] = "a-0/earlier"
    assert await a.outbox.sweep() == 450
    await a.outbox.mark_sent()
    assert table.unsent() == []
    assert [r.event_id for r in broker.records] == [str(i) for i in table.rows], "in their order"


@simulated
async def test_a_sweep_marks_what_is_on_the_log() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    await a.delivery.deliver([a.commit()])
    a.outbox._rows.sent.clear()  # the process dies before it marks the row
    await asyncio.sleep(11)
    assert await a.outbox.sweep() == 0
    assert table.unsent() == []
    assert len(broker.records) == 1


@simulated
async def test_a_row_that_no_topic_takes_does_not_hold_up_a_sweep() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    first, refused, last = a.seal(), a.seal(), a.seal()
    for sealed in (first, refused, last):
        table.insert(sealed)
    table.rows[refused.id]["topic"] = "small"
    a.publisher.client.on_enqueue = lambda topic: MessageSizeTooLargeError() if topic == "small" else None
    await asyncio.sleep(11)
    assert await a.outbox.sweep() == 2
    assert [r.event_id for r in broker.records] == [str(first.id), str(last.id)]


@simulated
async def test_a_sweep_that_took_too_long_sends_nothing() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    a.commit()
    find = a.publisher.find_sent

    async def slow(uncertain: object) -> set[str]:
        await asyncio.sleep(28)
        return await find(uncertain)  # type: ignore[arg-type]

    a.publisher.find_sent = slow  # type: ignore[method-assign]
    await asyncio.sleep(11)
    assert await a.outbox.sweep() == 0
    assert broker.records == []


@simulated
async def test_marks_survive_a_lost_database_and_a_cancelled_statement() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    await a.delivery.deliver([a.commit()])
    a.connection.down = True
    await a.outbox.mark_sent()
    a.connection.down = False
    execute, begun = a.connection.execute, asyncio.Event()

    async def hang(*_: object, **__: object) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    a.connection.execute = hang  # type: ignore[method-assign]
    marking = asyncio.ensure_future(a.outbox.mark_sent())
    await begun.wait()
    await ended(marking)
    a.connection.execute = execute  # type: ignore[method-assign]
    await a.outbox.mark_sent()
    assert table.unsent() == []


@simulated
async def test_a_row_keeps_its_text_sealed_and_the_record_holds_it_opened() -> None:
    broker, table = Broker(), Table()
    a = await Instance("a-0", broker, table).start()
    b = await Instance("b-0", broker, table).start()
    for each in (a, b):
        each.outbox.disclose_with(lambda value, sealed: value.replace(b'"x"', sealed[::-1].encode()))
    emit = a.outbox.seal(Emit("outcomes", _event(), sealed='"terces"'))
    table.insert(emit)
    (row,) = table.rows.values()
    assert b"secret" not in row["value"]
    assert "secret" not in row["headers"]
    assert "secret" not in repr(emit)
    assert b'"secret"' in (emit.to_record(SHARED_ONLY).value or b"")
    await asyncio.sleep(60)
    assert await b.outbox.sweep() == 1
    (sent,) = broker.records
    assert b'"secret"' in (sent.value or b"")

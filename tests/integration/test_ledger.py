"""The ledger of costly work on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from septet_kit import Transient
from septet_kit.store import Ledger
from septet_kit.store.claim import holder
from septet_kit.store.pool import StorePool


async def test_the_ledger_pays_once_for_many_callers(pool: StorePool) -> None:
    ledger, calls = Ledger(pool, "gen-0"), 0

    async def work() -> bytes:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)
        return b"\x00paid"

    results = await asyncio.gather(
        *(ledger.run("k", work, timedelta(seconds=30), tenant="default") for _ in range(10))
    )
    assert calls == 1
    assert {r for r, _ in results} == {b"\x00paid"}
    assert sum(replayed for _, replayed in results) == 9


async def test_a_claim_whose_reply_was_lost_is_taken_up_at_once(pool: StorePool) -> None:
    await pool.execute(
        "INSERT INTO ledger (key, claimed_by, leased_until) VALUES ('k', $1, now() + interval '1 hour')",
        holder("gen-0"),
    )

    async def work() -> bytes:
        return b"mine"

    done = await asyncio.wait_for(
        Ledger(pool, "gen-0").run("k", work, timedelta(seconds=30), tenant="default"), 5
    )
    assert done == (b"mine", False)


async def test_a_lease_is_renewed_while_the_work_runs(pool: StorePool) -> None:
    async def work() -> bytes:
        await asyncio.sleep(1.5)
        return b"slow"

    async def other() -> bytes:
        return b"double"

    first = asyncio.create_task(
        Ledger(pool, "gen-0").run("k", work, timedelta(seconds=0.6), tenant="default")
    )
    await asyncio.sleep(0.2)
    second = await Ledger(pool, "gen-1").run("k", other, timedelta(seconds=30), tenant="default")
    assert await first == (b"slow", False)
    assert second == (b"slow", True)


async def test_a_failure_frees_the_key(pool: StorePool) -> None:
    ledger = Ledger(pool, "gen-0")

    async def broken() -> bytes:
        raise Transient("down", "no")

    async def fine() -> bytes:
        return b"ok"

    with pytest.raises(Transient):
        await ledger.run("k", broken, timedelta(seconds=30), tenant="default")
    assert await ledger.run("k", fine, timedelta(seconds=30), tenant="default") == (b"ok", False)


async def test_a_claim_that_a_crash_has_forgotten_costs_no_second_call(pool: StorePool) -> None:
    async def work() -> bytes:
        await pool.execute("DELETE FROM ledger WHERE key = 'k'")
        return b"paid"

    async def again() -> bytes:
        raise AssertionError("the result has been paid for")

    ledger = Ledger(pool, "gen-0")
    assert await ledger.run("k", work, timedelta(seconds=30), tenant="default") == (b"paid", False)
    assert await ledger.run("k", again, timedelta(seconds=30), tenant="default") == (b"paid", True)


async def test_who_was_overtaken_does_not_overwrite(pool: StorePool) -> None:
    async def work() -> bytes:
        await pool.execute("UPDATE ledger SET claimed_by = 'gen-1/live' WHERE key = 'k'")
        return b"stale"

    with pytest.raises(Transient, match="took over"):
        await Ledger(pool, "gen-0").run("k", work, timedelta(seconds=30), tenant="default")
    assert await pool.fetchval("SELECT result FROM ledger WHERE key = 'k'") is None


async def test_an_earlier_life_of_the_instance_holds_nothing_back(pool: StorePool) -> None:
    await pool.execute(
        "INSERT INTO ledger (key, claimed_by, leased_until) VALUES ('k', 'gen-0/old', now() + interval '1 hour')"
    )

    async def work() -> bytes:
        return b"mine"

    done = await asyncio.wait_for(
        Ledger(pool, "gen-0").run("k", work, timedelta(seconds=30), tenant="default"), 5
    )
    assert done == (b"mine", False)


async def test_another_instance_waits_for_the_lease(pool: StorePool) -> None:
    await pool.execute(
        "INSERT INTO ledger (key, claimed_by, leased_until)"
        " VALUES ('k', 'gen-1/live', now() + interval '0.6 seconds')"
    )

    async def work() -> bytes:
        return b"late"

    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await Ledger(pool, "gen-0").run("k", work, timedelta(seconds=30), tenant="default") == (
        b"late",
        False,
    )
    assert loop.time() - began >= 0.4

"""Rows about what is on the topics: poison, repetition, other versions."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from septet_contracts import topic

from ..lab import Lab, Scale, lab
from ..result import Claims, Row
from ..traffic import REQUESTS, Traffic, read_whole

_TABLES = ("eval.requests", "eval.outbox", "generation.ledger", "feedback.inbox")


def _poison(kind: int) -> bytes:
    mark = f"poison-{uuid4().hex[:12]}"
    return (
        b'{"request_id": "%s", "question": ' % mark.encode(),
        json.dumps({"request_id": mark, "question": "Hi?", "version": 99}).encode(),
        b'{"request_id": "%s", "question": "\xff\xfe"}' % mark.encode(),
        json.dumps({"request_id": mark, "question": ["no", "text"]}).encode(),
        b"\x00\x01" + mark.encode(),
    )[kind % 5]


async def poison(work: Path, seed: int, scale: Scale) -> Claims:
    """1 % of the records are poison, of five kinds."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        total = scale.times(10_000, 300)
        traffic = here.traffic(deadline_s=600)
        bad: dict[bytes, float] = {}
        loop = asyncio.get_running_loop()

        async def spoil() -> None:
            for number in range(max(5, total // 100)):
                body = _poison(number)
                await here.producer.send_and_wait(REQUESTS, body, key=f"poison-{number}".encode())
                bad[body] = loop.time()
                await asyncio.sleep(total / 30 / max(5, total // 100))

        async with asyncio.TaskGroup() as group:
            group.create_task(spoil())
            group.create_task(traffic.steady(30, total / 30))
        claims.keep(await here.verdict(traffic, wait_s=600))
        dead = {r.value for r in await read_whole(here.kafka, topic("guardrails.dead").name)}
        missing = [body for body in bad if body not in dead]
        claims.figure(sent=len(traffic.sent), poison=len(bad), dead_lettered=len(bad) - len(missing))
        claims.expect(not missing, f"{len(missing)} poison records are not in the dead-letter topic")
    return claims


async def replay(work: Path, seed: int, scale: Scale) -> Claims:
    """20 % of the requests published twice, then the whole topic once more."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        await traffic.steady(15, scale.seconds(60, 5))
        await here.watch.all_of(traffic, 120)
        claims.keep(await here.verdict(traffic))
        before, calls = await _counts(here), here.stub.calls
        records = await read_whole(here.kafka, REQUESTS)
        twice = [r for r in records if here.rng.random() < 0.2]
        for record in [*twice, *records]:
            await here.producer.send_and_wait(REQUESTS, record.value, key=record.key)
        marker = here.traffic(conversations=0)
        await marker.steady(10, 2)
        claims.keep(await here.verdict(traffic, marker, settle_s=8))
        after = await _counts(here)
        new = len(marker.sent)
        claims.figure(
            published_again=len(twice) + len(records), model_calls_again=here.stub.calls - calls - new
        )
        claims.expect(
            after["eval.requests"] - before["eval.requests"] == new, f"tables changed: {before} → {after}"
        )
        claims.expect(
            after["eval.outbox"] - before["eval.outbox"] == new, f"tables changed: {before} → {after}"
        )
    return claims


async def _counts(here: Lab) -> dict[str, int]:
    connection = await asyncpg.connect(here.addresses.postgres_dsn)
    try:
        return {t: await connection.fetchval(f"SELECT count(*) FROM {t}") for t in _TABLES}
    finally:
        await connection.close()


async def versions(work: Path, seed: int, scale: Scale) -> Claims:
    """Writers of a later minor version (unknown optional fields everywhere) beside this one."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        newer: dict[str, Any] = {"priority": "low", "budget": {"tokens": 10, "nested": [1, {"a": None}]}}
        old, new = here.traffic(), here.traffic()
        new.fields = {**new.fields, **newer}
        seconds = scale.seconds(30, 5)

        async def steady(traffic: Traffic) -> None:
            await traffic.steady(5, seconds)

        await asyncio.gather(steady(old), steady(new))
        verdict = await here.verdict(old, new)
        claims.keep(verdict)
        claims.figure(sent=verdict.sent, statuses=dict(verdict.statuses))
        claims.expect(verdict.answered == 1, f"rejected: {dict(verdict.statuses)}")
    return claims


ROWS = (
    Row(9, "1 % poison of 10,000, five kinds", "every one in the dead-letter topic", poison),
    Row(
        14,
        "a topic from offset 0 again; 20 % of records twice",
        "tables unchanged, no second response",
        replay,
    ),
    Row(15, "old and new contract versions side by side", "0 rejects", versions),
)

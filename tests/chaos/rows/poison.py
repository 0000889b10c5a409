"""Records that nobody can process, and their second chance."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from septet_cli.dead_letters import DeadLetter, read_dead_letters, redrive

from ..checker import Sent
from ..fleet import intact, sabotaged
from ..lab import Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..traffic import LABELS, REQUESTS, RESPONSES, event_ids, to_seen

_RATE = 30
_KINDS = 5
_AFTER_S = 10.0
_JUDGED = 20


def _poison(kind: int, mark: str) -> bytes:
    """Broken JSON, a later major version, no UTF-8, a field of the wrong type, no JSON at all.

    ``mark`` is the request id, which can be read in all but the last.
    """
    return (
        b'{"request_id": "%s", "question": ' % mark.encode(),
        json.dumps({"request_id": mark, "question": "Hi?", "version": 99}).encode(),
        b'{"request_id": "%s", "question": "\xff\xfe"}' % mark.encode(),
        json.dumps({"request_id": mark, "question": ["no", "text"]}).encode(),
        b"\x00\x01" + mark.encode(),
    )[kind % _KINDS]


async def poison(work: Path, seed: int, scale: Scale) -> Claims:
    """1 % of the records are poison, of five kinds; then records that a bug refused are sent again."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        total = scale.times(10_000, 300)
        traffic = here.traffic(deadline_s=600)
        # Where each record stands → when the broker had it, in seconds since the epoch.
        bad: dict[tuple[str, int, int], float] = {}
        async with asyncio.TaskGroup() as group:
            spoiling = group.create_task(_spoil(here, max(_KINDS, total // 100), total / _RATE, bad))
            group.create_task(traffic.steady(_RATE, total / _RATE))
        claims.keep(await here.verdict(traffic, wait_s=600))
        await _told(here, spoiling.result(), claims)
        letters = await read_dead_letters(here.addresses.connection("admin"), "guardrails")
        found = {_origin(letter): letter.record.timestamp / 1000 for letter in letters}
        missing = bad.keys() - found.keys()
        took = [found[place] - acknowledged for place, acknowledged in bad.items() if place in found]
        claims.figure(sent=len(traffic.sent), poison=len(bad), dead_lettered=len(took))
        claims.figure(dead_letter_p50_s=percentiles(took)[0], dead_letter_latest_s=max(took, default=0.0))
        claims.expect(not missing, f"{len(missing)} poison records are not in the dead-letter topic")
        claims.expect(max(took, default=0.0) <= _AFTER_S, f"a dead letter came after {max(took):.1f} s")
        await _second_chance(here, traffic.sent[:_JUDGED], claims)
    return claims


async def _spoil(here: Lab, count: int, seconds: float, bad: dict[tuple[str, int, int], float]) -> list[str]:
    """Publish poison at even times; returns the request ids that can be read in it."""
    marks = [f"poison-{uuid4().hex[:12]}" for _ in range(count)]
    for number, mark in enumerate(marks):
        key = b"poison-%d" % number
        sent = await here.producer.send_and_wait(REQUESTS, _poison(number, mark), key=key)
        bad[sent.topic, sent.partition, sent.offset] = time.time()
        await asyncio.sleep(seconds / count)
    return [mark for number, mark in enumerate(marks) if number % _KINDS != _KINDS - 1]


async def _told(here: Lab, marks: list[str], claims: Claims) -> None:
    """Whoever can be named has been told, once, that the request failed."""
    seen = [to_seen(r) for r in await here.records(RESPONSES, set(marks))]
    times = Counter(s.request_id for s in seen)
    wrong = [mark for mark in marks if times[mark] != 1]
    claims.figure(told=len(seen))
    claims.expect(not wrong, f"{len(wrong)} senders of poison did not get one response: {wrong[:3]}")
    claims.expect(
        all(s.status == "failed" and s.code for s in seen), "poison was not answered with a failure"
    )


def _origin(letter: DeadLetter) -> tuple[str, int, int]:
    return letter.fact("topic"), int(letter.fact("partition")), int(letter.fact("offset"))


async def _second_chance(here: Lab, judged: list[Sent], claims: Claims) -> None:
    """A feedback service with a bug refuses thumbs; mended, it takes them from the dead letters, once."""
    (member,) = here.fleet.of("feedback")
    await member.reborn(sabotaged("feedback", "refuses", str(member.restarts + 1)))
    await member.ready()
    client = here.traffic()
    for sent in judged:
        await client.thumb(sent.request_id)
    await here.drained()
    kafka = here.addresses.connection("admin")
    letters = [x for x in await read_dead_letters(kafka, "feedback") if x.fact("code") == "internal_error"]
    refused = len(await _labels(here))
    await member.reborn(intact("feedback"))
    await member.ready()
    once = await _redriven(here, letters)
    labels, tables = await _labels(here), await here.tables()
    twice = await _redriven(here, letters)
    claims.figure(refused=len(letters), redriven=once, redriven_again=twice, labels=len(labels))
    claims.expect(len(letters) == len(judged) and not refused, "the bug did not refuse all feedback")
    claims.expect(len(labels) == len(judged), f"{len(labels)} labels after the re-drive of {once}")
    claims.expect(await _labels(here) == labels, "a second re-drive wrote labels")
    after = await here.tables()
    changed = [name for name in tables if tables[name] != after[name]]
    claims.expect(not changed, f"a second re-drive changed {changed}")


async def _redriven(here: Lab, letters: list[DeadLetter]) -> int:
    """Send the letters again as ``septet dlq redrive`` does, and wait until they have been handled."""
    for letter in letters:
        await redrive(here.producer, letter)
    await here.drained()
    # Marks of the outbox are written a moment after the commit.
    await asyncio.sleep(3)
    return len(letters)


async def _labels(here: Lab) -> list[str]:
    return sorted(event_ids(await here.whole(LABELS)))


ROW = Row(
    9,
    "1 % poison of 10,000, five kinds",
    "each a dead letter ≤ 10 s; a re-drive completes after a fix, a second changes nothing",
    poison,
)

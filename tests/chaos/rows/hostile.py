"""Clients that write whatever a broker takes, beside others that do not."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from septet_contracts import SERVICES, dead_letter_topic, topic

from ...support.hostile import ACCEPTED, End, Form
from ...support.raw_producer import RawProducer, raw_producer
from ..checker import Sent
from ..fleet import intact, sabotaged
from ..lab import BUS, Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..saboteur import FATAL
from ..traffic import FEEDBACK, LABELS, REQUESTS, RESPONSES, Traffic, to_seen
from .scaling import most_memory

# The short form has as many hostile records in less time, and the fewer others.
_RATE, _SHORT_RATE, _SLOW_RATE = 25, 8, 5
_KILL_EVERY_S = 8.0
# A kill costs seconds; a record that ends its process, as many restarts as it takes to find it.
_GAP_S, _QUARANTINE_GAP_S = 30.0, 150.0
_GROWTH_MIB = 400
_LIVES = 50
DOCUMENTS, CHANGED = topic("documents").name, topic("documents-changed").name
# Which service writes the dead letter of a record on a topic of clients.
_OWNERS = {REQUESTS: "guardrails", DOCUMENTS: "retrieval", FEEDBACK: "feedback"}
_COORDINATES = ("septet-dead-topic", "septet-dead-partition", "septet-dead-offset")
# On the topics that are not the way of a request, the short form has these.
_WORST = frozenset({"header_name_not_utf8", "tombstone", "bomb_zstd", "near_fetch_limit", "json_nul"})


@dataclass(frozen=True)
class Hostile:
    """A hostile record that is on the log."""

    form: Form
    mark: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Ends:
    """What became of hostile records: places in dead letters, and how often each mark was handled."""

    letters: frozenset[tuple[str, int, int]]
    handled: Mapping[str, Counter[str]]

    def missing(self, written: Hostile) -> bool:
        """Whether a record did not end as its form has to."""
        buried = (written.topic, written.partition, written.offset) in self.letters
        times = self.handled[written.topic][written.mark]
        if written.form.end is End.LETTER:
            return not buried
        # A request has one response, whatever else became of it.
        return times != 1 if written.topic == REQUESTS else not (buried or times)


async def hostile(work: Path, seed: int, scale: Scale) -> Claims:
    """Every form on every topic of clients under load and kills; then a record that ends its process."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic(deadline_s=600)
        await traffic.steady(10, 2)
        await here.watch.all_of(traffic.sent, 60)
        batches = await asyncio.to_thread(lambda: list(_batches(traffic.sent[0], brief=scale.brief)))
        here.rng.shuffle(batches)
        seconds = scale.seconds(100 * len(batches) / _RATE, 15)
        written = await _under_attack(here, traffic, batches, seconds, claims)
        await _quarantined(here, traffic, claims)
        claims.keep(await here.verdict(traffic, wait_s=240))
        await here.drained()
        ends = await _ends(here)
        missing = [w for w in written if ends.missing(w)]
        claims.figure(
            sent=len(traffic.sent),
            hostile=len(written),
            forms=len({w.form.name for w in written}),
            dead_letters=len(ends.letters),
            p99_s=percentiles(here.watch.latencies(traffic))[1],
            restarts=sum(m.restarts for m in here.fleet.members),
        )
        claims.expect(
            len(written) == len(batches), f"the broker took {len(written)} of {len(batches)} records"
        )
        claims.expect(
            not missing, f"without their end: {sorted(f'{w.form.name} on {w.topic}' for w in missing)}"
        )
    return claims


def _batches(answered: Sent, *, brief: bool) -> Iterator[tuple[Form, str, str, bytes]]:
    """Each form on each topic of clients: form, mark, topic, and bytes."""
    for name, service in _OWNERS.items():
        for form in ACCEPTED:
            if brief and name != REQUESTS and form.name not in _WORST:
                continue
            mark = f"{form.name}-{service}"
            yield form, mark, name, form.build(mark, _fields(name, mark, answered))


def _fields(name: str, mark: str, answered: Sent) -> Mapping[str, Any]:
    """What makes a body valid on a topic; ``answered`` is the request that feedback is about."""
    if name == DOCUMENTS:
        return {"document_id": mark, "title": mark, "text": f"{mark} is a tool."}
    if name == FEEDBACK:
        return {"request_id": answered.request_id, "feedback_id": mark, "kind": "thumbs", "value": "up"}
    return BUS


async def _under_attack(
    here: Lab, traffic: Traffic, batches: list[tuple[Form, str, str, bytes]], seconds: float, claims: Claims
) -> list[Hostile]:
    """Write the batches at even times while others send requests and services are killed."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before, begin = here.fleet.rss_mb(), loop.time()
    sending = asyncio.create_task(traffic.until(stop, _SHORT_RATE if here.scale.brief else _RATE))
    watching = asyncio.create_task(most_memory(here, sending))
    killing = asyncio.create_task(_kills(here, stop))
    written = []
    async with raw_producer(here.addresses.connection("admin")) as raw:
        for form, mark, name, batch in batches:
            written += await _write(here, raw, form, mark, name, batch)
            await asyncio.sleep(seconds / len(batches))
    stop.set()
    await sending
    kills, most = await killing, await watching
    await here.watch.all_of(traffic.sent, 120)
    gap = here.watch.longest_gap(begin, loop.time())
    growth = max(most[name] - before[name] for name in before)
    claims.figure(kills=kills, longest_gap_s=gap, growth_mib=growth)
    claims.expect(kills > 0, "nothing was killed")
    claims.expect(gap <= _GAP_S, f"no response for {gap:.1f} s")
    claims.expect(growth <= _GROWTH_MIB, f"a service grew by {growth:.0f} MiB")
    return written


async def _write(
    here: Lab, raw: RawProducer, form: Form, mark: str, name: str, batch: bytes
) -> list[Hostile]:
    partition = here.rng.randrange(topic(name).partitions)
    found = await raw.send(name, partition, batch)
    return [Hostile(form, mark, name, partition, found.offset)] if found.accepted else []


async def _kills(here: Lab, stop: asyncio.Event) -> int:
    """``kill -9`` of services at random until ``stop`` is set; returns how many."""
    kills = 0
    while True:
        try:
            await asyncio.wait_for(stop.wait(), here.rng.uniform(0.5, 1.5) * _KILL_EVERY_S)
        except TimeoutError:
            kills += here.rng.choice(here.fleet.members).signal(signal.SIGKILL)
        else:
            return kills


async def _quarantined(here: Lab, traffic: Traffic, claims: Claims) -> None:
    """A request ends guardrails whenever it is handled, and others are on their way at the same time."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    (member,) = here.fleet.of("guardrails")
    await member.reborn(
        sabotaged("guardrails", ",".join(["fatal_record"] * _LIVES), str(member.restarts + 1))
    )
    await member.ready()
    before, begin = member.restarts, loop.time()
    sending = asyncio.create_task(traffic.until(stop, _SLOW_RATE))
    mark = await traffic.one(question=FATAL)
    at = await _buried(here, mark)
    stop.set()
    await sending
    await here.watch.all_of(traffic.sent, 120)
    deaths = member.restarts - before
    gap = here.watch.longest_gap(begin, loop.time())
    seen = [to_seen(r) for r in await here.records(RESPONSES, {mark})]
    claims.figure(fatal_deaths=deaths, quarantined_s=at - begin, longest_gap_meanwhile_s=gap)
    claims.expect(2 <= deaths <= 10, f"the record ended its process {deaths} times")
    claims.expect(gap <= _QUARANTINE_GAP_S, f"no response for {gap:.1f} s while a record was quarantined")
    claims.expect([s.status for s in seen] == ["failed"], f"the fatal request got {seen}")
    await member.reborn(intact("guardrails"))
    await member.ready()


async def _buried(here: Lab, mark: str) -> float:
    """When a request's dead letter is there.

    Raises:
        TimeoutError: it never is.
    """
    async with asyncio.timeout(_QUARANTINE_GAP_S):
        while True:
            letters = await here.whole(dead_letter_topic("guardrails"))
            if any(mark.encode() in (letter.value or b"") for letter in letters):
                return asyncio.get_running_loop().time()
            await asyncio.sleep(0.5)


async def _ends(here: Lab) -> Ends:
    letters = set()
    for service in SERVICES:
        for letter in await here.whole(dead_letter_topic(service)):
            # A dead letter also has the headers of its record, which may hold any bytes.
            found = {k: v for k, v in letter.headers if v is not None and k in _COORDINATES}
            name, partition, offset = (found[k].decode() for k in _COORDINATES)
            letters.add((name, int(partition), int(offset)))
    names = {
        REQUESTS: (RESPONSES, "request_id"),
        DOCUMENTS: (CHANGED, "document_id"),
        FEEDBACK: (LABELS, "feedback_id"),
    }
    handled = {
        source: Counter([json.loads(r.value)[field] for r in await here.whole(target)])
        for source, (target, field) in names.items()
    }
    return Ends(frozenset(letters), handled)


ROWS = (
    Row(
        17,
        "hostile clients in every form that a broker takes, 1 % of 25/s, beside random `kill -9`; a record that ends its process",
        "each a dead letter or a typed failure; no response for ≤ 30 s, ≤ 150 s until the fatal record is quarantined",
        hostile,
    ),
)

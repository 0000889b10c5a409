"""Rows about what is on the topics: repetition, and other versions of the contracts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from jsonschema import Draft202012Validator
from septet_contracts import SERVICES, TOPICS, Topic, dead_letter_topic, topic
from septet_contracts.freeze import SchemaStore, default_folder

from ..checker import Sent
from ..lab import Lab, Scale, lab
from ..result import Claims, Row
from ..traffic import LABELS, RESPONSES, Traffic
from . import poison

_REPLAYED = ("requests", "drafts", "outcomes", "feedback", "responses", "releases")
_HANDED_ON = ("screened", "missed", "grounded", "drafts", "outcomes")


async def replay(work: Path, seed: int, scale: Scale) -> Claims:
    """20 % of the requests published twice, then six topics once more from their first offset."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        traffic.thumbs = True
        await traffic.steady(15, scale.seconds(60, 5))
        claims.keep(await here.verdict(traffic))
        twice = [r for r in await here.whole(topic("requests").name) if here.rng.random() < 0.2]
        await _again(here, twice)
        claims.keep(await here.verdict(traffic))
        before, calls, labels = await here.tables(), here.stub.calls, len(await here.whole(LABELS))
        replayed: Counter[str] = Counter()
        for name in _REPLAYED:
            records = await here.whole(topic(name).name)
            await _again(here, records)
            replayed[name] = len(records)
            if name == "outcomes":
                # The next topics hold the responses themselves, and a replay of those is a second one.
                claims.keep(await here.verdict(traffic))
        await asyncio.sleep(3)
        after = await here.tables()
        claims.figure(sent=len(traffic.sent), published_twice=len(twice), replayed=dict(replayed))
        claims.figure(
            model_calls_again=here.stub.calls - calls,
            rows={name: count for name, (count, _) in before.items() if count},
        )
        changed = [name for name in before if before[name] != after[name]]
        claims.expect(not changed, f"tables changed: {changed}")
        claims.expect(here.stub.calls == calls, "the model was called again")
        now = len(await here.whole(RESPONSES))
        claims.expect(now == 2 * replayed["responses"], f"{now} records, {replayed['responses']} responses")
        claims.expect(len(await here.whole(LABELS)) == labels, "labels were written again")
    return claims


async def _again(here: Lab, records: list[Any]) -> None:
    """Publish records once more as they are, and wait until all services have handled them."""
    for record in records:
        await here.producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))
    await here.producer.flush()
    await here.drained()


async def versions(work: Path, seed: int, scale: Scale) -> Claims:
    """Writers of a later and of the first minor version beside this one, and the first version's readers."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        newer: dict[str, Any] = {"priority": "low", "budget": {"tokens": 10, "nested": [1, {"a": None}]}}
        same, later = here.traffic(), here.traffic()
        same.thumbs = True
        later.fields = {**later.fields, **newer}
        seconds = scale.seconds(30, 5)
        async with asyncio.TaskGroup() as group:
            group.create_task(same.steady(5, seconds))
            group.create_task(later.steady(5, seconds))
        verdict = await here.verdict(same, later)
        claims.keep(verdict)
        await here.drained()
        refused = [r async for r in _refused_by_first_readers(here)]
        claims.expect(not refused, f"{len(refused)} records are none for the first readers: {refused[:3]}")
        elder = here.traffic(conversations=0)
        by_topic = await _first_writers(here, elder)
        older = await here.verdict(elder, ordered=False)
        claims.keep(older)
        dead = sum([len(await here.whole(dead_letter_topic(service))) for service in SERVICES])
        claims.figure(
            this_version=len(same.sent),
            later_writers=len(later.sent),
            first_writers=by_topic,
            statuses=dict(verdict.statuses + older.statuses),
            dead_letters=dead,
        )
        claims.expect(verdict.answered == 1, f"rejected: {dict(verdict.codes)}")
        claims.expect(older.answered == 1, f"of the first version rejected: {dict(older.codes)}")
        claims.expect(dead == 0, f"{dead} dead letters")
    return claims


@cache
def _first(of: Topic) -> dict[str, Any]:
    """The first schema of a topic that was ever frozen."""
    return SchemaStore(default_folder()).versions(of)[0][1]


async def _refused_by_first_readers(here: Lab) -> Any:
    """What this version has written and a reader with the first frozen schema does not accept."""
    for of in TOPICS.values():
        if of.raw:
            continue
        reader = Draft202012Validator(_first(of))
        for record in await here.whole(of.name):
            for error in reader.iter_errors(json.loads(record.value)):
                yield f"{of.name}: {error.message[:200]}"


async def _first_writers(here: Lab, client: Traffic) -> dict[str, int]:
    """Publish, on each topic on the way of a request, records with nothing but what the first schema requires.

    They are made of records on the topic, under new request ids, which ``client`` counts as sent.
    """
    written: Counter[str] = Counter()
    for name in _HANDED_ON:
        of = topic(name)
        for body in _bare(of, await here.whole(of.name)):
            request_id = f"{client.run}-{name}-{written[name]}"
            body |= {"request_id": request_id, "event_id": str(uuid4())}
            Draft202012Validator(_first(of)).validate(body)
            key = f"default:{request_id}".encode()
            await here.producer.send_and_wait(of.name, json.dumps(body).encode(), key=key)
            client.sent.append(Sent(request_id, "default"))
            client.begun[request_id] = asyncio.get_running_loop().time()
            written[name] += 1
    return dict(written)


def _bare(of: Topic, records: list[Any], count: int = 5) -> Iterator[dict[str, Any]]:
    required = set(_first(of)["required"]) | {"contract"}
    for record in records[-count:]:
        body = json.loads(record.value)
        yield {name: value for name, value in body.items() if name in required}


ROWS = (
    poison.ROW,
    Row(
        14,
        "six topics from offset 0 again; 20 % of requests twice",
        "tables unchanged, no second response",
        replay,
    ),
    Row(15, "old and new contract versions side by side, both directions", "0 rejects", versions),
)

"""Two tenants with own topics and 1,000 questions each: no secret of one is ever where the other's data are."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from septet_cli.ingest.publish import publish_documents
from septet_cli.tail import tail
from septet_contracts import SERVICES, Response, tenant_topic
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants

from ..conftest import Backend
from .leak_checker import Search, read_all, secret

TENANTS = ("acme", "globex")
QUESTIONS = 1000
ENGLISH, KOREAN = 40, 20
COLOURS = ("amber", "cobalt", "crimson", "ivory", "jade")
CITIES = ("Lisbon", "Oslo", "Prague", "Quito", "Riga", "Seville", "Turin", "Utrecht")
도시 = ("강릉", "군산", "나주", "목포")
물건 = ("도자기", "비단", "소금", "인삼", "종이")
DELETED = range(5)
WAVE = 176


def _item(number: int) -> int:
    """What the question of this number is about."""
    return number * 7 % (ENGLISH + KOREAN)


def _place(item: int) -> tuple[str, str]:
    if item < ENGLISH:
        return COLOURS[item % 5], CITIES[item // 5]
    return 물건[item % 5], 도시[(item - ENGLISH) // 5]


def _is_korean(item: int) -> bool:
    return item >= ENGLISH


def _document(tenant: str, item: int, edition: int = 1) -> dict[str, Any]:
    """The same ids and wording for both tenants; only the secret word tells them apart."""
    thing, city = _place(item)
    word = secret(tenant, item, _is_korean(item), edition)
    if _is_korean(item):
        text = f"{city} 창고의 {thing} 보관함은 {word} 문구로 열립니다. {city} 창고는 항구 옆에 있습니다."
    else:
        text = f"The {thing} vault in {city} opens with the phrase {word}. The {city} office lies near the harbour."
    return {"action": "upsert", "document_id": f"vault-{item:02d}", "title": f"{city} {thing}", "text": text}


def _question(item: int, variant: int) -> str:
    thing, city = _place(item)
    if _is_korean(item):
        return (
            f"{city} 창고의 {thing} 보관함은 어떤 문구로 열립니까?",
            f"{city} {thing} 보관함 문구는 무엇입니까?",
        )[variant]
    return (
        f"Which phrase opens the {thing} vault in {city}?",
        f"What phrase does the {thing} vault in {city} open with?",
    )[variant]


@dataclass
class Side:
    """One tenant's client: its topics are all that it knows."""

    tenant: str
    producer: AIOKafkaProducer
    responses: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    records: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, record: Any) -> None:
        """Keep what comes on the tenant's responses topic."""
        self.records += 1
        self.responses[json.loads(record.value)["request_id"]].append(record.value)
        self.arrived.set()

    async def send(self, name: str, key: str, body: dict[str, Any]) -> None:
        """Publish to the tenant's own topic."""
        await self.producer.send_and_wait(
            tenant_topic(name, self.tenant), json.dumps(body).encode(), key=key.encode()
        )

    async def ask(self, numbers: Sequence[int], bodies: Sequence[dict[str, Any]]) -> None:
        """Publish all questions at once, and wait until each has its response."""
        deadline = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        ids = [f"q-{n:04d}" for n in numbers]
        await asyncio.gather(
            *(
                self.send("requests", name, {"request_id": name, "deadline": deadline, **body})
                for name, body in zip(ids, bodies, strict=True)
            )
        )
        async with asyncio.timeout(240):
            while not all(self.responses[i] for i in ids):
                self.arrived.clear()
                await self.arrived.wait()

    def given(self, number: int) -> Response:
        """The response to a question."""
        return Response.model_validate_json(self.responses[f"q-{number:04d}"][0])


@asynccontextmanager
async def _side(kafka: KafkaConnection, tenant: str) -> AsyncIterator[Side]:
    producer = AIOKafkaProducer(**kafka.options(), acks="all", linger_ms=5)
    await producer.start()
    side = Side(tenant, producer)
    try:
        async with tail(kafka, [tenant_topic("responses", tenant)], side.receive):
            yield side
    finally:
        await producer.stop()


def _mixed(tenant: str, number: int) -> dict[str, Any]:
    """A question with one of many combinations of options; every other payload leaves its tenant to the topic."""
    body: dict[str, Any] = {"question": _question(_item(number), number % 2)}
    if number % 4 < 2:
        body["tenant"] = tenant
    if number % 10 == 3:
        body["cache"] = {"use": "bypass"}
    if number % 20 == 7:
        body["cache"] = {"use": "refresh"}
    if number % 10 == 5:
        body["stream"] = True
    return body


async def _feed_back(side: Side) -> None:
    """Thumbs up and down, corrections that hold a secret, and flagged sources, on the first answers."""
    for number in range(ENGLISH + KOREAN):
        word = secret(side.tenant, number, _is_korean(number))
        kinds: list[dict[str, Any]] = [
            {"kind": "thumbs", "value": "up", "comment": f"it is {word}"},
            {"kind": "comment", "text": f"{word}, as I thought"},
            {"kind": "thumbs", "value": "up"},
            {"kind": "copied"},
            {"kind": "thumbs", "value": "down", "comment": f"not {word}"},
            {"kind": "correction", "answer": f"The word is {word}."},
            {"kind": "flagged_source", "document_id": f"vault-{number:02d}"},
        ]
        name = f"q-{number:04d}"
        await side.send(
            "feedback", name, {"request_id": name, "feedback_id": f"f-{number}", **kinds[number % 7]}
        )


async def _change_documents(kafka: KafkaConnection, tenants: Tenants) -> None:
    """One tenant forgets documents whose like the other keeps; the other gives some a new secret."""
    gone = [{"action": "delete", "document_id": f"vault-{i:02d}"} for i in DELETED]
    assert (await publish_documents(kafka, gone, "acme", tenants=tenants)).complete
    new = [_document("globex", i, edition=2) for i in range(10, 15)]
    assert (await publish_documents(kafka, new, "globex", tenants=tenants)).complete


@pytest.mark.timeout(400)
async def test_no_secret_reaches_the_other_tenant(shop: Backend, tenants: Tenants) -> None:
    kafka = shop.addresses.connection()
    items = range(ENGLISH + KOREAN)
    # Refusals of what other tests sent to the shared topic.
    refusals = len([value async for value in read_all(kafka, "septet.responses.v2")])
    for tenant in TENANTS:
        documents = [_document(tenant, i) for i in items]
        assert (await publish_documents(kafka, documents, tenant, tenants=tenants)).complete
    async with _side(kafka, "acme") as acme, _side(kafka, "globex") as globex:
        sides = (acme, globex)
        first = range(2 * len(items))
        bodies = [{"question": _question(n % len(items), n // len(items))} for n in first]
        await asyncio.gather(*(side.ask(first, bodies) for side in sides))
        await asyncio.gather(*(_feed_back(side) for side in sides))
        await _change_documents(kafka, tenants)
        # In waves, so that later ones find what the cache has kept of the earlier ones.
        for start in range(len(first), QUESTIONS, WAVE):
            wave = range(start, min(start + WAVE, QUESTIONS))
            await asyncio.gather(*(side.ask(wave, [_mixed(side.tenant, n) for n in wave]) for side in sides))
        for side in sides:
            _assert_served(side)
        _assert_only_its_own_documents_are_gone(acme, globex, range(len(first), QUESTIONS))
        found = Search()
        await found.look_through_log(kafka, [t.name for t in tenants.topics()])
        await found.look_through_database(shop.addresses.postgres_dsn, SERVICES)
    assert found.leaks == []
    # At least: the log holds what other tests of the session asked in these tenants' names, too.
    assert min(found.looked[f"septet.responses.v2.{tenant}"] for tenant in TENANTS) >= QUESTIONS
    assert (found.looked["septet.responses.v2"], found.looked["septet.released-tokens.v1"]) == (refusals, 0)
    for place in (
        "septet.released-tokens.v1.acme",
        "septet.released-tokens.v1.globex",
        "septet.labels.v1",
        "septet.drafts.v1",
        "cache.entries",
        "retrieval.passages",
        "feedback.shown",
        "generation.ledger",
        "eval.requests",
    ):
        assert found.looked[place] > 0, f"nothing was found to look through in {place}"


def _assert_served(side: Side) -> None:
    """Each question has one response; most hold the tenant's own secret, and many came from the cache."""
    assert {i: len(r) for i, r in side.responses.items()} == {f"q-{n:04d}": 1 for n in range(QUESTIONS)}
    given = [side.given(n) for n in range(QUESTIONS)]
    assert {r.tenant for r in given} == {side.tenant}
    words = [secret(side.tenant, i, _is_korean(i), e) for i in range(ENGLISH + KOREAN) for e in (1, 2)]
    own = [r for r in given if any(word in (r.answer or "") for word in words)]
    cached = [r for r in given if r.answer_kind == "cached"]
    counts = f"{side.tenant}: {len(own)} answers with a secret, {len(cached)} cached"
    assert len(own) > QUESTIONS / 2, counts
    assert len(cached) > QUESTIONS / 10, counts


def _assert_only_its_own_documents_are_gone(acme: Side, globex: Side, numbers: Sequence[int]) -> None:
    gone = {f"vault-{i:02d}" for i in DELETED}
    asked = [n for n in numbers if _item(n) in DELETED]
    assert not any(s.document_id in gone for n in asked for s in acme.given(n).sources)
    assert all(any(s.document_id in gone for s in globex.given(n).sources) for n in asked)


@pytest.mark.timeout(200)
async def test_a_planted_leak_is_found(shop: Backend, tenants: Tenants, tenants_file: Path) -> None:
    """A second instance of retrieval without the tenant filter takes some of the partitions."""
    kafka = shop.addresses.connection()
    for tenant in TENANTS:
        await publish_documents(kafka, [_document(tenant, i) for i in range(8)], tenant, tenants=tenants)
    program = (sys.executable, str(Path(__file__).with_name("leaky_retrieval.py")))
    env = shop.addresses.environment("retrieval") | {
        "SEPTET_INSTANCE": "retrieval-leaky",
        "SEPTET_TENANTS_FILE": str(tenants_file),
    }
    assert shop.stack is not None
    await shop.stack.spawn_service("retrieval-leaky", program, env)
    options = {"cache": {"use": "bypass"}, "generate": False, "retrieval": {"mode": "lexical", "k": 10}}
    async with _side(kafka, "acme") as acme:
        numbers = range(5000, 5040)
        await acme.ask(numbers, [{"question": _question(n % 8, 0), **options} for n in numbers])
    found = Search()
    for values in acme.responses.values():
        for value in values:
            found.look("acme", "responses", value)
    assert found.looked["responses"] == len(numbers)
    assert 0 < len(found.leaks) <= len(numbers)
    assert {leak.tenant for leak in found.leaks} == {"acme"}


async def test_a_response_on_the_wrong_topic_is_found(shop: Backend, tenants: Tenants) -> None:
    kafka = shop.addresses.connection("admin")
    body = {"tenant": "acme", "answer": secret("acme", 1, korean=True)}
    producer = AIOKafkaProducer(**kafka.options())
    await producer.start()
    try:
        await producer.send_and_wait(
            "septet.released-tokens.v1.globex", json.dumps(body, ensure_ascii=False).encode()
        )
    finally:
        await producer.stop()
    found = Search()
    await found.look_through_log(kafka, ["septet.released-tokens.v1.globex"])
    assert [(leak.tenant, leak.where) for leak in found.leaks] == [
        ("globex", "septet.released-tokens.v1.globex")
    ]

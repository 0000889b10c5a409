"""Namespaces: every name of a process belongs to its namespace, and none of them is a live name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
import septet_kit
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from septet_contracts import Draft, Grounded, Request, encode
from septet_kit import Context, Emit, KitSettings, Permanent, ServiceSpec, Stage, Wiring
from septet_kit.access import namespaces
from septet_kit.access.namespaces import _namespace_of
from septet_kit.access.namespaces import topics_of as topics_of_group
from septet_kit.access.table import load_specs
from septet_kit.errors import Transient
from septet_kit.messaging.consumer import StageConsumer, open_client
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.step import StepRunner
from septet_kit.migrate import installed
from septet_kit.namespace import LIVE, MAX_LENGTH, Namespace
from septet_kit.service import _consumed
from septet_kit.store import pool as pools
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.tenants import Tenants
from septet_kit.testing import flow

from .harness import batches as made
from .harness.kafka import FakeConsumer, FakeLog
from .support.kafka import Broker, SimulatedPublisher

NAMES = Namespace("replay-ab12")
OWN = frozenset({"acme"})
KNOWN = frozenset({"default", "acme", "globex"})
SETTINGS = KitSettings(namespace=NAMES.name)

names = st.from_regex(rf"\A[a-z][a-z0-9\-]{{0,{MAX_LENGTH - 1}}}\Z").filter(
    lambda name: not name.startswith(("septet", "tenant-"))
)


def topics_of(spec: ServiceSpec) -> set[str]:
    """Short names of every topic that a service reads or writes."""
    return {*spec.consumes, *spec.produces, *spec.follows, *spec.outbox, "outcomes"}


def every_topic(spec: ServiceSpec, tenants: Tenants) -> set[str]:
    """Full names of every topic that a service may touch."""
    short = topics_of(spec)
    sent = {tenants.address(name, tenant) for name in short for tenant in (None, *tenants.names)}
    return sent | set(tenants.addresses(short)) | {tenants.dead_letters(spec.name)}


@given(first=names, second=names, tenant=st.sampled_from(sorted(KNOWN)))
def test_no_topic_of_a_namespace_is_a_topic_of_another_one_or_of_the_live_side(
    first: str, second: str, tenant: str
) -> None:
    own = frozenset({tenant})
    spaces = {name: Tenants(KNOWN, own, Namespace(name)) for name in {first, second, ""}}
    made = {
        name: {t.name for t in space.topics()}
        | {t for spec in load_specs() for t in every_topic(spec, space)}
        for name, space in spaces.items()
    }
    assert sum(map(len, made.values())) == len(set().union(*made.values()))
    for name, topics in made.items():
        assert all(topic.startswith(f"{name}." if name else "septet.") for topic in topics)


@given(name=names)
def test_names_can_be_mapped_back(name: str) -> None:
    space = Namespace(name)
    for live in ("septet.drafts.v1", "septet.requests.v1.acme", "eval"):
        assert space.relative(space.qualify(live)) == live
        assert LIVE.relative(LIVE.qualify(live)) == live
        with pytest.raises(KeyError):
            space.relative(live)


@pytest.mark.parametrize(
    "name",
    ["Replay", "a.b", "1a", "a_b", "-a", "septet", "septet-2", "tenant-acme", "a" * (MAX_LENGTH + 1), "재생"],
)
def test_names_that_could_be_live_ones_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        KitSettings(namespace=name)


def test_without_a_namespace_nothing_changes() -> None:
    settings, tenants = KitSettings(), Tenants(KNOWN, OWN)
    assert settings.member("eval") == "eval-0"
    assert tenants.address("responses", "acme") == "septet.responses.v2.acme"
    assert tenants.dead_letters("eval") == "septet.eval.dead.v1"
    assert [m.schema for m in installed(["eval"])] == ["eval"]


def test_a_record_of_a_namespace_has_the_tenant_of_its_topic() -> None:
    tenants = Tenants(KNOWN, OWN, NAMES)
    request = Request(request_id="r", question="What is a deque?")
    event, refused = tenants.identify(request, "replay-ab12.septet.requests.v1.acme")
    assert (event.tenant, refused) == ("acme", None)
    with pytest.raises(KeyError, match="not in the namespace"):
        tenants.identify(request, "septet.requests.v1.acme")


@pytest.mark.parametrize("spec", load_specs(), ids=lambda spec: spec.name)
async def test_a_consumer_joins_a_group_of_its_namespace(spec: ServiceSpec) -> None:
    client = open_client(spec, SETTINGS, SETTINGS.member(spec.name))
    # It was never started, so there is nothing to stop.
    client._closed = True
    assert client._group_id == f"replay-ab12.septet.{spec.name}"
    assert client._group_instance_id == f"replay-ab12.{spec.name}-0"
    assert client._client._client_id == f"replay-ab12.{spec.name}-0"


def test_a_named_instance_belongs_to_the_namespace_too() -> None:
    settings = KitSettings(namespace=NAMES.name, instance="generation-7")
    assert settings.member("generation") == "replay-ab12.generation-7"


class Subscriber(FakeConsumer):
    """A consumer of the simulated log that notes its subscription."""

    subscribed: Sequence[str] = ()

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.subscribed = topics
        super().subscribe(topics, listener)


async def draft(event: Grounded, ctx: Context) -> Sequence[Emit]:
    """Draft an answer, or fail where the request wants it."""
    if event.request_id == "bad":
        raise Permanent("unknown_model", "no such model")
    return [Emit("drafts", flow(Draft, request_id=event.request_id, tenant=event.tenant))]


@asynccontextmanager
async def generation(log: FakeLog) -> AsyncIterator[tuple[Subscriber, SimulatedPublisher]]:
    """A process of generation in the namespace: the kit's real consumer, dispatcher and step runner."""
    tenants = Tenants(KNOWN, OWN, NAMES)
    spec = ServiceSpec("generation", ("grounded",), ("drafts",))
    publisher = SimulatedPublisher(Broker())
    await publisher.start()
    client = Subscriber(log, log.batches)
    progress = Progress()
    runner = StepRunner(spec, publisher, tenants, progress.note_outage)
    stages = {"grounded": Stage("grounded", draft)}
    consumer = StageConsumer(client, stages, SETTINGS, tenants, runner, progress)
    await consumer.start()

    async def settled() -> None:
        """There is no outbox."""

    task = asyncio.create_task(consumer.run(settled))
    try:
        yield client, publisher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.drain(1)
        await publisher.stop()


async def test_a_process_reads_and_writes_topics_of_its_namespace_alone() -> None:
    log = FakeLog()
    tp = first_partition(NAMES.qualify("septet.grounded.v1"))
    events = [flow(Grounded, request_id=name, tenant="acme") for name in ("good", "bad")]
    log.append(tp, made.batch([made.record(encode(e), e.request_id.encode()) for e in events], 0), 2)
    async with generation(log) as (client, publisher):
        records = publisher.client.broker.records
        async with asyncio.timeout(5):
            while len(records) < 3:  # noqa: ASYNC110 - the simulated broker has no event
                await asyncio.sleep(0.001)
    assert client.subscribed == ["replay-ab12.septet.grounded.v1"]
    assert {r.topic for r in records} == {
        "replay-ab12.septet.drafts.v1",
        "replay-ab12.septet.outcomes.v1",
        "replay-ab12.septet.generation.dead.v1",
    }


def first_partition(topic: str) -> Any:
    """The first partition of a topic."""
    from aiokafka import TopicPartition

    return TopicPartition(topic, 0)


class FakePool:
    """Has what a pool does with a connection, and notes what it executes."""

    def __init__(self) -> None:
        self.executed: list[str] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        yield self

    async def execute(self, statement: str) -> None:
        self.executed.append(statement)

    async def close(self) -> None:
        """Nothing is open."""


async def test_an_advisory_lock_belongs_to_the_namespace() -> None:
    fake, live = FakePool(), FakePool()
    for pool, space in ((fake, NAMES), (live, LIVE)):
        async with StorePool(cast("asyncpg.Pool", pool), "i", space).transaction("acme", lock="feedback/r1"):
            pass
    assert "hashtextextended('replay-ab12.feedback/r1', 0)" in fake.executed[0]
    assert "hashtextextended('feedback/r1', 0)" in live.executed[0]


async def test_sessions_see_the_schema_of_the_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, str]] = []

    async def create_pool(*_: Any, server_settings: dict[str, str], **__: Any) -> FakePool:
        opened.append(server_settings)
        return FakePool()

    monkeypatch.setattr(pools, "asyncpg", SimpleNamespace(create_pool=create_pool))
    async with open_pool(SETTINGS, "generation"):
        pass
    async with open_pool(KitSettings(), "retrieval", read_only=True):
        pass
    assert opened[0]["search_path"] == '"replay-ab12.generation", public'
    assert "default_transaction_read_only" not in opened[0]
    assert opened[1]["search_path"] == '"retrieval", public'
    assert opened[1]["default_transaction_read_only"] == "on"


def test_migrations_of_a_namespace_grant_its_schemas_to_the_services_roles() -> None:
    (migrations,) = installed(["generation"], NAMES)
    assert migrations.schema == "replay-ab12.generation"
    grants = migrations.after()[-1]
    assert 'ON ALL TABLES IN SCHEMA "replay-ab12.generation" TO "generation"' in grants


def test_stages_for_live_processes_alone_are_left_out() -> None:
    spec = ServiceSpec("retrieval", ("missed", "documents"), ("grounded",), live_only=("documents",))
    wiring = Wiring([Stage("documents", draft), Stage("missed", draft)])
    assert [s.topic for s in _consumed(spec, wiring, NAMES)] == ["missed"]
    assert [s.topic for s in _consumed(spec, wiring, LIVE)] == ["documents", "missed"]


def test_a_group_of_services_gets_the_topics_that_it_uses() -> None:
    tenants = Tenants(KNOWN, OWN, NAMES)
    specs = [spec for spec in load_specs() if spec.name in ("retrieval", "generation", "guardrails", "eval")]
    made = {t.name.removeprefix(NAMES.prefix) for t in topics_of_group(specs, tenants)}
    assert {"septet.missed.v1", "septet.grounded.v1", "septet.responses.v2", "septet.eval.dead.v1"} <= made
    assert {"septet.responses.v2.acme", "septet.cancellations.v1.acme"} <= made
    # Documents are for live processes alone, and no service of the group reads feedback.
    assert not {"septet.documents.v1", "septet.feedback.v1", "septet.cache.dead.v1"} & made
    assert all(t.name.startswith(NAMES.prefix) for t in topics_of_group(specs, tenants))


def test_contents_of_a_namespace_are_told_apart_by_their_prefix() -> None:
    names = ["replay-1.septet.eval", "replay-2.septet.drafts.v1", "septet.eval", "half.retrieval", "replay-x"]
    assert [_namespace_of(name, "replay-") for name in names] == ["replay-1", "replay-2", None, None, None]
    assert [_namespace_of(name, "replay-1.") for name in names] == ["replay-1", None, None, None, None]


class FakeAdmin:
    """A broker that keeps its topics, and answers a deletion with ``code``."""

    def __init__(self, code: int) -> None:
        self.code = code

    async def delete_topics(self, topics: list[str]) -> Any:
        return SimpleNamespace(topic_error_codes=[(name, self.code) for name in topics])

    async def list_topics(self) -> list[str]:
        return ["replay-1.a", "septet.a"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(29, "TopicAuthorizationFailed"), (0, "replay-1.a was not"), (3, "replay-1.a was not")],
)
async def test_topics_that_are_not_deleted_are_reported(
    code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "_TIMEOUT_S", 0.01)
    with pytest.raises(Transient, match=reason) as caught:
        await namespaces._delete_topics(cast("Any", FakeAdmin(code)), ["replay-1.a"])
    assert caught.value.code == "topics_not_deleted"


KIT = Path(septet_kit.__file__).parent
SERVICES = KIT.parents[2]
# What knows the contracts' table of topics: the mapping itself, and the administration of the live side.
_MAY_NAME = {"tenants.py", "table.py", "admin.py", "provision.py"}
_NAMES_A_TOPIC = re.compile(r"\btopic\([^)]*\)\.name|\bdead_letter_topic\(|\btenancy\.address|\bTOPICS\b")


def sources() -> Iterator[Path]:
    """The modules of the kit and of the services, without the client, which runs in no namespace."""
    for folder in SERVICES.glob("*/src"):
        if folder.parent.name != "client":
            yield from folder.rglob("*.py")


def test_no_module_names_a_topic_past_the_mapping() -> None:
    found = [
        str(p) for p in sources() if p.name not in _MAY_NAME and _NAMES_A_TOPIC.search(p.read_text("utf-8"))
    ]
    assert not found


def test_advisory_locks_are_named_by_schema_or_taken_by_live_processes_alone() -> None:
    """A lock's number or name without the schema is shared by all namespaces of a database."""
    shared = {
        # One migration at a time, in all namespaces: the catalogs are shared.
        "kit/src/septet_kit/migrate.py",
        # Named by the qualified schema, and by the pool's namespace.
        "kit/src/septet_kit/store/instance_lock.py",
        "kit/src/septet_kit/store/pool.py",
        # Ingest and the writers of a shared index, which a process of a namespace does not run.
        "retrieval/src/septet_retrieval/adapters/locks.py",
        "retrieval/src/septet_retrieval/adapters/rows.py",
        # Has the schema in its name.
        "cache/src/septet_cache/adapters/statements.py",
    }
    taking = re.compile(r"pg_(try_)?advisory_(xact_)?lock")
    found = {str(p.relative_to(SERVICES)) for p in sources() if taking.search(p.read_text("utf-8"))}
    assert found == shared

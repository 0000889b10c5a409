"""Users and ACLs on a real broker: each principal may do what the table says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr
from septet_cli.client import connect, new_request_id
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.kafka_checks import check_kafka
from septet_cli.log import connection_of
from septet_cli.settings import CliSettings
from septet_cli.stub.server import StubOptions, serve_stub
from septet_cli.topics import topic_states
from septet_client import NotPermitted, Septet
from septet_client import Unreachable as ClientUnreachable
from septet_contracts import SERVICES, Topic, client_access, tenant_topic, topic
from septet_gateway.adapters.lag import GroupLag
from septet_kit.access.bindings import Binding, bindings
from septet_kit.access.cluster import Cluster
from septet_kit.access.namespaces import existing, remove
from septet_kit.access.provision import provision
from septet_kit.access.table import access_table, for_tenants, load_specs
from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.diagnosis import diagnose
from septet_kit.messaging.probe import UncertainSend, find_sent
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.reader import open_reader
from septet_kit.namespace import Namespace
from septet_kit.record import EVENT_ID_HEADER, Record
from septet_kit.spec import group_of
from septet_kit.tenants import Tenants
from septet_native.services import SERVICES as STARTED
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from .broker_probes import (
    PATIENCE_S,
    is_refused,
    may_connect,
    try_groups,
    try_read,
    try_watch,
    try_write,
    until,
)
from .secured import Secured

OWN = ("acme", "globex")
TABLE = for_tenants(access_table(load_specs()), OWN)
PRINCIPALS = {access.principal: access for access in TABLE}


@pytest.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """Servers with the secured broker, and a model that answers at once; no services yet."""
    folder = tmp_path_factory.mktemp("secured")
    tenants_file = folder / "tenants.yaml"
    own = "".join(f", {{name: {name}, topics: own}}" for name in OWN)
    tenants_file.write_text(f"tenants: [default{own}]\n")
    ports = {name: 0 for name in StackSettings.model_fields if name.endswith("_port")}
    async with serve_stub(StubOptions()) as stub:
        settings = StackSettings.model_validate(
            {
                "stack": "native",
                "data_dir": folder,
                "opensearch": False,
                "jaeger": False,
                "llm_url": stub,
                "llm_model": "stub",
                "tenants_file": tenants_file,
                **ports,
            }
        )
        async with Stack(settings) as stack:
            addresses = await stack.start()
            environment = {"SEPTET_TENANTS_FILE": str(tenants_file)}
            yield Secured(stack, addresses, Tenants.load(tenants_file), environment)


@pytest.fixture(scope="module")
def every_topic(secured: Secured) -> list[Topic]:
    """The topics that exist."""
    return secured.tenants.topics()


def test_the_committed_table_is_what_the_services_say() -> None:
    from septet_cli.commands.kafka import HEAD
    from septet_kit.access.table import dump_table
    from septet_native.packages.configuration import infra_file

    expected = HEAD + dump_table(access_table(load_specs()))
    assert infra_file("kafka", "acls.yaml").read_text("utf-8") == expected, "septet kafka acls --write …"


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_reading_is_allowed_on_own_topics_alone(
    secured: Secured, every_topic: list[Topic], principal: str
) -> None:
    allowed, refused = await try_read(secured.connection(principal), every_topic)
    wanted = set(PRINCIPALS[principal].reads)
    assert allowed == wanted
    assert refused == {t.name for t in every_topic} - wanted


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_writing_is_allowed_on_own_topics_alone(
    secured: Secured, every_topic: list[Topic], principal: str
) -> None:
    allowed, refused = await asyncio.to_thread(try_write, secured.connection(principal), every_topic)
    wanted = set(PRINCIPALS[principal].writes)
    assert allowed == wanted
    assert refused == {t.name for t in every_topic} - wanted


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_only_own_groups_may_be_joined(secured: Secured, principal: str) -> None:
    access = PRINCIPALS[principal]
    foreign = [group_of(name) for name in SERVICES if name != principal]
    foreign += [f"{client_access(t).group_prefix}app" for t in OWN if f"tenant-{t}" != principal]
    foreign += ["anything", f"septet.{principal}x", "septet."]
    own = [*access.groups, *(f"{prefix}app" for prefix in access.group_prefixes)]
    allowed, refused = await try_groups(secured.connection(principal), [*own, *foreign])
    assert (allowed, refused) == (set(own), set(foreign))


async def test_replays_belong_to_the_services_of_requests_and_the_operator(secured: Secured) -> None:
    space = Namespace("replay-acl")
    name = space.qualify("septet.grounded.v1")
    made = [replace(topic("grounded"), name=name)]
    operator = secured.connection("operator")
    assert await ensure_topics(operator, topics=made) == [name]
    takes_part = {p for p, access in PRINCIPALS.items() if access.namespaces or access.manages}
    for principal in PRINCIPALS:
        connection = secured.connection(principal)
        read, _ = await try_read(connection, made)
        written, _ = await asyncio.to_thread(try_write, connection, made)
        assert bool(read) == bool(written) == (principal in takes_part), principal
    assert (await remove(operator, None, space)).topics == [name]
    assert await existing(operator, None) == {}


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_only_own_and_watched_groups_show_their_progress(secured: Secured, principal: str) -> None:
    access = PRINCIPALS[principal]
    groups = {group_of(name) for name in SERVICES} | {f"{client_access(t).group_prefix}app" for t in OWN}
    own = {*access.groups, *access.watches, *(f"{prefix}app" for prefix in access.group_prefixes)}
    allowed, refused = await try_watch(secured.connection(principal), sorted(groups | own))
    assert (allowed, refused) == (own, groups - own)


async def test_the_gateway_reads_the_backlog_of_guardrails(secured: Secured) -> None:
    topics = secured.tenants.addresses(["requests"])
    assert len(topics) == 1 + len(OWN)

    def lag_as(principal: str) -> GroupLag:
        limit = timedelta(seconds=PATIENCE_S)
        return GroupLag(secured.connection(principal), group_of("guardrails"), topics, limit)

    lag = lag_as("gateway")
    await until(lambda: _is_readable(lag))
    await lag.close()
    # It reads the topics, and does not watch the group.
    with pytest.raises(Transient, match="GroupAuthorizationFailed"):
        await lag_as("eval").read()


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"password": "wrong"}, "kafka_credentials_refused", "SEPTET_KAFKA_PASSWORD"),
        ({"username": "nobody"}, "kafka_credentials_refused", "SEPTET_KAFKA_PASSWORD"),
        ({"mechanism": "PLAIN"}, "kafka_credentials_refused", "SEPTET_KAFKA_PASSWORD"),
        ({"password": ""}, "invalid_kafka_settings", "SEPTET_KAFKA_PASSWORD"),
        ({"ca_file": None}, "kafka_certificate_untrusted", "SEPTET_KAFKA_CA_FILE"),
        ({"ca_file": Path("/no/such/ca.pem")}, "invalid_kafka_settings", "SEPTET_KAFKA_CA_FILE"),
        ({"protocol": "PLAINTEXT"}, "kafka_protocol_mismatch", "SEPTET_KAFKA_PROTOCOL"),
        ({"protocol": "SASL_PLAINTEXT"}, "kafka_protocol_mismatch", "SEPTET_KAFKA_PROTOCOL"),
        ({"protocol": "SSL"}, "kafka_protocol_mismatch", "SEPTET_KAFKA_PROTOCOL"),
        ({"mechanism": "SCRAM-SHA-256"}, "kafka_protocol_mismatch", "SEPTET_KAFKA_PROTOCOL"),
    ],
    ids=str,
)
async def test_a_client_that_does_not_fit_is_refused_and_told_why(
    secured: Secured, changed: dict[str, Any], code: str, field: str
) -> None:
    connection = replace(secured.connection("cache"), **changed)
    publisher_error = await _refusal(lambda: Publisher(connection, "test").start())
    error = await diagnose(connection)
    assert (error.code, error.field, type(error)) == (code, field, Permanent)
    assert error.fix
    assert publisher_error.code == code


async def test_a_broker_that_is_not_there_is_worth_another_try(secured: Secured) -> None:
    error = await diagnose(replace(secured.connection("cache"), bootstrap="127.0.0.1:1"))
    assert isinstance(error, Transient)
    assert (error.code, error.field) == ("kafka_unreachable", "SEPTET_KAFKA_BOOTSTRAP")


@pytest.mark.parametrize("principal", [p for p in PRINCIPALS if p in SERVICES])
async def test_a_service_may_not_administer(secured: Secured, principal: str) -> None:
    made = Topic(f"septet.stray-{uuid4().hex[:8]}.v1", "", None, "Nobody's.")
    with pytest.raises(Exception, match="Authorization"):
        await ensure_topics(secured.connection(principal), topics=[made])
    with pytest.raises(Permanent) as refused:
        await Cluster(secured.connection(principal)).put_users({"admin": "taken-over"})
    assert refused.value.code == "kafka_not_admin"
    with pytest.raises(Permanent) as refused:
        await Cluster(secured.connection(principal)).pending(set())
    assert refused.value.code == "kafka_not_admin"


async def test_provisioning_again_changes_nothing_and_spares_what_is_not_ours(secured: Secured) -> None:
    admin, table = secured.connection("admin"), access_table(load_specs())
    cluster = Cluster(admin)
    stale = Binding("cache", "topic", "septet.drafts.v1", "read")
    foreign = {
        Binding("billing", "topic", "septet.drafts.v1", "read"),
        Binding("cache", "topic", "invoices", "write"),
    }
    pending = await cluster.pending(bindings(for_tenants(table, OWN)) | {stale} | foreign)
    assert set(pending.missing) == {stale, *foreign}
    await cluster.apply(pending)
    planned = await provision(admin, table, secured.tenants, dry_run=True)
    assert planned.acls_removed == (stale,)
    kept = await provision(admin, table, secured.tenants, keep=True)
    assert (kept.acls_made, kept.acls_removed) == ((), ())
    assert (await provision(admin, table, secured.tenants)).acls_removed == (stale,)
    again = await provision(admin, table, secured.tenants)
    assert (again.topics, again.acls_made, again.acls_removed) == ((), (), ())
    left = await cluster.pending(bindings(for_tenants(table, OWN)) | foreign)
    assert left.missing == ()


async def test_a_tenant_that_leaves_loses_its_user_and_its_acls(secured: Secured) -> None:
    admin, table = secured.connection("admin"), access_table(load_specs())
    with_guest = Tenants(secured.tenants.names | {"guest"}, secured.tenants.own | {"guest"})
    passwords = {"tenant-guest": "let-me-in", **_tenant_passwords(secured)}
    await provision(admin, table, with_guest, passwords)
    guest = replace(secured.connection("tenant-acme"), username="tenant-guest", password="let-me-in")
    await until(lambda: may_connect(guest))
    gone = await provision(admin, table, secured.tenants, _tenant_passwords(secured))
    assert gone.users_removed == ("tenant-guest",)
    assert {b.principal for b in gone.acls_removed if b.name.endswith(".guest")} >= {"tenant-guest", "eval"}
    await until(lambda: is_refused(guest))


@pytest.mark.parametrize(
    ("principal", "name"),
    [("eval", "responses"), ("eval", "responses.v1"), ("eval", "releases"), ("feedback", "labels")],
)
async def test_a_sweeper_may_look_up_what_its_outbox_sends(
    secured: Secured, principal: str, name: str
) -> None:
    connection, event, since = secured.connection(principal), str(uuid4()), datetime.now(UTC)
    publisher = Publisher(connection, "test")
    await publisher.start()
    try:
        full = topic(name).name
        await publisher.send(Record(full, b"k", b"{}", ((EVENT_ID_HEADER, event.encode()),)))
    finally:
        await publisher.stop()
    since -= timedelta(seconds=5)
    sends = [UncertainSend(full, b"k", event, since), UncertainSend(full, b"k", str(uuid4()), since)]
    assert await find_sent(connection, sends) == {event}


async def test_a_reader_stops_without_waiting_for_the_broker(secured: Secured) -> None:
    """The broker does not answer the close of a TLS connection that it reads in one piece with a fetch."""
    place = TopicPartition(topic("responses").name, 0)
    loop, took = asyncio.get_running_loop(), []
    for _ in range(10):
        async with open_reader(secured.connection("gateway")) as consumer:
            consumer.assign([place])
            await consumer.position(place)
            began = loop.time()
        took.append(loop.time() - began)
    assert max(took) < 1


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({"SEPTET_KAFKA_PASSWORD": "wrong"}, "kafka_credentials_refused", "SEPTET_KAFKA_PASSWORD"),
        ({"SEPTET_KAFKA_CA_FILE": ""}, "kafka_certificate_untrusted", "SEPTET_KAFKA_CA_FILE"),
        ({"SEPTET_KAFKA_PROTOCOL": "PLAINTEXT"}, "kafka_protocol_mismatch", "SEPTET_KAFKA_PROTOCOL"),
        ({"as": "cache"}, "kafka_forbidden", "SEPTET_KAFKA_USERNAME"),
    ],
)
async def test_a_service_with_wrong_credentials_ends_and_says_why(
    secured: Secured, changed: dict[str, str], code: str, named: str
) -> None:
    code_seen, log = await secured.run_service("guardrails", changed)
    ended = next(json.loads(line) for line in log.splitlines() if "service ended" in line)
    assert code_seen == 1
    assert (ended["code"], ended["field"]) == (code, named)
    assert ended["fix"]
    assert secured.connection("guardrails").password not in log


async def test_the_doctor_finds_a_missing_acl_and_a_wrong_password(secured: Secured) -> None:
    here = CliSettings(
        data_dir=secured.stack.settings.data_dir, tenants_file=secured.stack.settings.tenants_file
    )
    assert all(check.ok for check in await check_kafka(here))
    cluster = Cluster(secured.connection("admin"))
    wanted = bindings(TABLE)
    taken = Binding("eval", "topic", "septet.outcomes.v1", "read")
    await cluster.apply(await cluster.pending(wanted - {taken}))
    found = {check.name: check for check in await check_kafka(here)}
    assert not found["kafka ACLs"].ok
    assert "read on septet.outcomes.v1 for eval" in found["kafka ACLs"].detail
    assert "septet kafka apply" in found["kafka ACLs"].fix
    await cluster.apply(await cluster.pending(wanted))
    operator = secured.connection("operator")
    elsewhere = CliSettings(
        kafka_bootstrap=operator.bootstrap,
        kafka_protocol="SASL_SSL",
        kafka_username="operator",
        kafka_password=SecretStr("wrong"),
        kafka_ca_file=operator.ca_file,
    )
    (refused,) = await check_kafka(elsewhere)
    assert not refused.ok
    assert "SEPTET_KAFKA_PASSWORD" in refused.fix


async def test_the_whole_flow_works_with_each_service_as_itself(secured: Secured) -> None:
    """Last: what the tests above wrote lies on the topics, and the services get past it."""
    operator = secured.connection("operator")
    await secured.stack.start_services(env=secured.environment)
    document = Document("deque", "A deque is a double-ended queue. It is fast at both ends.")
    report = await publish_documents(operator, [upsert(document)], "default", stall=PATIENCE_S)
    assert report.changes == {"created": 1}
    async with connect(operator) as client:
        request = {"request_id": new_request_id("acl"), "question": "What is a deque?"}
        response = await client.ask(request, PATIENCE_S)
    assert response.status == "answered"
    assert response.sources[0].document_id == "deque"
    lag = {g: n for state in await topic_states(operator) for g, n in state.lag.items()}
    assert set(lag) == {group_of(name) for name in STARTED}


async def test_a_tenant_is_served_on_its_own_topics(secured: Secured) -> None:
    acme = secured.connection("tenant-acme")
    request_id = new_request_id("acl")
    async with (
        AIOKafkaConsumer(
            tenant_topic("responses", "acme"),
            **acme.options(),
            group_id="tenant-acme.app",
            auto_offset_reset="earliest",
        ) as consumer,
        AIOKafkaProducer(**acme.options(), acks="all", enable_idempotence=True) as producer,
    ):
        body = {"request_id": request_id, "question": "무엇이 덱인가요?", "retrieval": {"mode": "off"}}
        await producer.send_and_wait(tenant_topic("requests", "acme"), json.dumps(body).encode())
        async with asyncio.timeout(PATIENCE_S):
            async for record in consumer:
                response = json.loads(record.value)
                if response.get("request_id") == request_id:
                    break
        await consumer.commit()
    assert (response["tenant"], response["status"]) == ("acme", "answered")


async def test_the_python_client_of_a_tenant(secured: Secured) -> None:
    """SASL, TLS and own topics. The changes of documents belong to all tenants, so it may not read them."""
    acme = connection_of(secured.connection("tenant-acme"))
    async with Septet(acme, tenant="acme", own_topics=True) as septet:
        response = await septet.ask("무엇이 덱인가요?", retrieval="off")
        assert (response.tenant, response.status) == ("acme", "answered")
        await septet.feedback(response, thumbs="up")
        with pytest.raises(NotPermitted):
            await septet.documents.wait(await septet.documents.upsert("d", "text"))
    with pytest.raises(NotPermitted):
        await Septet(acme, tenant="acme").__aenter__()
    with pytest.raises(ClientUnreachable, match="tenant-acme"):
        await Septet(replace(acme, password="wrong"), tenant="acme", own_topics=True).__aenter__()


async def _is_readable(lag: GroupLag) -> bool:
    """Whether the lag is known. A new broker has no coordinator until it has created its topic of offsets."""
    with contextlib.suppress(Transient):
        return await lag.read() >= 0
    return False


async def _refusal(attempt: Callable[[], Any]) -> SeptetError:
    with pytest.raises(SeptetError) as refused:
        await attempt()
    return refused.value


def _tenant_passwords(secured: Secured) -> dict[str, str]:
    return {f"tenant-{t}": secured.connection(f"tenant-{t}").password for t in OWN}

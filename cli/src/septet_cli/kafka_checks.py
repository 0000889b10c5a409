"""Kafka checks of `septet doctor`: connection, TLS, credentials, topics and ACLs."""

from __future__ import annotations

from septet_kit.access.bindings import bindings
from septet_kit.access.cluster import Cluster
from septet_kit.access.table import ADMIN, access_table, for_tenants, load_specs
from septet_kit.errors import SeptetError
from septet_kit.messaging.admin import missing_topics
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants
from septet_native.doctor.check import Check

from septet_cli.errors import CliError
from septet_cli.settings import CliSettings
from septet_cli.target import locate
from septet_cli.tenancy import known_tenants

APPLY = "run `septet kafka apply`"


async def check_kafka(settings: CliSettings) -> list[Check]:
    """Check the Kafka that the commands connect to; empty when no stack runs."""
    try:
        kafka, tenants = locate(settings).kafka, known_tenants(settings)
        administrator = _administrator(settings, kafka)
    except CliError:
        return []
    try:
        topics = [t.name for t in await missing_topics(kafka, tenants.topics())]
        checks = [Check("kafka", True, _connection_label(kafka)), _topics(kafka, topics)]
        if administrator is not None:
            checks.append(await _acls(administrator, tenants))
    except SeptetError as error:
        return [Check("kafka", False, error.message, error.fix or "read the broker's log")]
    return checks


def _administrator(settings: CliSettings, kafka: KafkaConnection) -> KafkaConnection | None:
    """Connection of the super user of the local stack; None for another cluster."""
    if settings.kafka_bootstrap or not kafka.authenticated:
        return None
    return locate(settings.model_copy(update={"kafka_principal": ADMIN})).kafka


def _connection_label(kafka: KafkaConnection) -> str:
    user = f" as {kafka.username}" if kafka.authenticated else ", without authentication"
    return f"{kafka.bootstrap} over {kafka.protocol}{user}"


def _topics(kafka: KafkaConnection, missing: list[str]) -> Check:
    if not missing:
        return Check("kafka topics", True, "none missing")
    shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
    hidden = f" or not visible to {kafka.username}" if kafka.authenticated else ""
    return Check("kafka topics", False, f"{len(missing)} missing{hidden}: {shown}", APPLY)


async def _acls(administrator: KafkaConnection, tenants: Tenants) -> Check:
    table = for_tenants(access_table(load_specs()), tenants.own)
    pending = await Cluster(administrator).pending(bindings(table))
    if not pending.missing and not pending.stale:
        return Check("kafka ACLs", True, f"{len(bindings(table))}, none missing or stale")
    first = (*pending.missing, *pending.stale)[0]
    detail = (
        f"{len(pending.missing)} missing, {len(pending.stale)} stale, for example "
        f"{first.operation} on {first.name} for {first.principal}"
    )
    return Check("kafka ACLs", False, detail, APPLY)

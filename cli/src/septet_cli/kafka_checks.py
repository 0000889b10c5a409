"""What `septet doctor` finds out about Kafka: reachable, trusted, let in, and provisioned."""

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
from septet_cli.running import locate
from septet_cli.settings import CliSettings
from septet_cli.tenancy import known_tenants

APPLY = "run `septet kafka apply`"


async def check_kafka(settings: CliSettings) -> list[Check]:
    """Findings on the Kafka that commands would talk to; none where no stack runs."""
    try:
        kafka, tenants = locate(settings).kafka, known_tenants(settings)
        administrator = _administrator(settings, kafka)
    except CliError:
        return []
    try:
        topics = [t.name for t in await missing_topics(kafka, tenants.topics())]
        checks = [Check("kafka", True, _who(kafka)), _topics(kafka, topics)]
        if administrator is not None:
            checks.append(await _acls(administrator, tenants))
    except SeptetError as error:
        return [Check("kafka", False, error.message, error.fix or "see the broker's log")]
    return checks


def _administrator(settings: CliSettings, kafka: KafkaConnection) -> KafkaConnection | None:
    """The super user of this machine's stack; that of another cluster is not known."""
    if settings.kafka_bootstrap or not kafka.authenticated:
        return None
    return locate(settings.model_copy(update={"kafka_principal": ADMIN})).kafka


def _who(kafka: KafkaConnection) -> str:
    who = f" as {kafka.username}" if kafka.authenticated else ", without users"
    return f"{kafka.bootstrap} over {kafka.protocol}{who}"


def _topics(kafka: KafkaConnection, missing: list[str]) -> Check:
    if not missing:
        return Check("kafka topics", True, "all there")
    shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
    hidden = f" or not shown to {kafka.username}" if kafka.authenticated else ""
    return Check("kafka topics", False, f"{len(missing)} missing{hidden}: {shown}", APPLY)


async def _acls(administrator: KafkaConnection, tenants: Tenants) -> Check:
    table = for_tenants(access_table(load_specs()), tenants.own)
    pending = await Cluster(administrator).pending(bindings(table))
    if not pending.missing and not pending.stale:
        return Check("kafka ACLs", True, f"{len(bindings(table))}, as the services need them")
    first = (*pending.missing, *pending.stale)[0]
    detail = (
        f"{len(pending.missing)} missing, {len(pending.stale)} too many, for example that "
        f"{first.principal} may {first.operation} {first.name}"
    )
    return Check("kafka ACLs", False, detail, APPLY)

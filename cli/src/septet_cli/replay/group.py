"""The instance group of a replay: a second process of each changed service, in the replay's namespace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import psutil
from confluent_kafka.admin import AdminClient
from septet_kit.access import namespaces
from septet_kit.access.table import load_specs
from septet_kit.errors import Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.migrate import MigrateSettings
from septet_kit.spec import ServiceSpec, group_of
from septet_kit.tenants import Tenants
from septet_native.processes import ports
from septet_native.processes.supervisor import Supervised
from septet_native.services import module_of
from septet_native.stack.service_spec import service_spec
from septet_native.stack.settings import StackSettings
from septet_native.stack.state import State

from septet_cli.errors import CliError
from septet_cli.replay.candidate import Candidate
from septet_cli.replay.workspace import Workspace

Progress = Callable[[str, str], None]
# The group coordinator keeps a static member for this long after its end; brokers accept 6 s and more.
_SESSION = "PT6S"
_SCORING_BUDGET = "PT10S"
_POLL_S = 1.0
# Time for the services of a group that the user runs to end, and for their sessions.
_STOP_S = 60.0
# Names of the live process that the copy does not take over.
_OWN = ("SEPTET_INSTANCE", "SEPTET_HEALTH_PORT", "SEPTET_NAMESPACE")


@dataclass(frozen=True)
class Place:
    """Where a replay runs.

    Attributes:
        kafka: connection of a principal that manages namespaces.
        owner_dsn: the database as the owner of its schemas; None if it is not known here.
        tenants: the tenants, in the replay's namespace.
        workspace: folder of the replay.
        stack: the local stack; None if the services run elsewhere.
        replication: of the topics.
        retention: of the topics; None: that of the live ones.
    """

    kafka: KafkaConnection
    owner_dsn: str | None
    tenants: Tenants
    workspace: Workspace
    stack: State | None = None
    replication: int = 1
    retention: timedelta | None = None

    @property
    def replay(self) -> str:
        """The replay's id, which is its namespace."""
        return self.tenants.namespace.name


def owner_dsn(stack: State | None) -> str | None:
    """DSN of the owner of the schemas, from the local stack or from SEPTET_POSTGRES_OWNER_DSN."""
    if stack is not None:
        return stack.addresses.postgres_dsn
    settings = MigrateSettings()
    is_set = "postgres_owner_dsn" in settings.model_fields_set
    return settings.postgres_owner_dsn.get_secret_value() if is_set else None


@asynccontextmanager
async def instance_group(place: Place, candidate: Candidate, progress: Progress) -> AsyncIterator[None]:
    """Create the namespace and run its services; on exit, end them and remove the namespace.

    Raises:
        StackError: a service did not become ready.
        Transient, Permanent: Kafka or PostgreSQL does not answer, or refuses.
    """
    specs = [spec for spec in load_specs() if spec.name in candidate.services]
    place.workspace.claim()
    running: list[Supervised] = []
    try:
        progress("namespace", f"creating {place.replay}")
        await namespaces.create(
            place.kafka,
            place.owner_dsn,
            specs,
            place.tenants,
            replication=place.replication,
            retention=place.retention,
        )
        if place.stack is None:
            await _wait_for_group(place, specs, candidate, progress)
        else:
            taken: set[int] = set()
            running += [_supervised(place, place.stack, spec.name, candidate, taken) for spec in specs]
            await _start(running, progress)
        yield
    finally:
        await asyncio.shield(_remove(place, running, progress))


async def _start(running: list[Supervised], progress: Progress) -> None:
    async def start(service: Supervised) -> None:
        await service.start()
        progress(service.name, "ready")

    async with asyncio.TaskGroup() as group:
        for service in running:
            group.create_task(start(service))


async def _remove(place: Place, running: list[Supervised], progress: Progress) -> None:
    await asyncio.gather(*(service.stop() for service in running))
    progress("namespace", f"removing {place.replay}")
    if place.owner_dsn is None:
        progress("schemas", "not removed: SEPTET_POSTGRES_OWNER_DSN is not set")
    if place.stack is None:
        progress("stop", f"end the services of {place.replay}; they are waited for {_STOP_S:.0f} s")
    try:
        await namespaces.remove(place.kafka, place.owner_dsn, place.tenants.namespace, patience_s=_STOP_S)
    except Transient as error:
        progress(
            "namespace", f"not removed: {error.message}; later, run `septet replay clean {place.replay}`"
        )
    place.workspace.remove()


def _supervised(
    place: Place, stack: State, service: str, candidate: Candidate, taken: set[int]
) -> Supervised:
    live = live_environment(stack, service)
    environment = {**live, **group_environment(place, service, candidate, live)}
    port = ports.choose(0, taken)
    spec = service_spec(service, module_of(service), environment, port, place.workspace.logs)
    return Supervised(spec, place.workspace.processes, StackSettings().start_timeout, lambda: None)


def live_environment(stack: State, service: str) -> dict[str, str]:
    """Settings of a live service: those of its process, so that the candidate differs in its changes alone."""
    found = stack.addresses.environment(service)
    pid = next((p.pid for p in stack.processes if p.name == service and p.pid is not None), None)
    if pid is not None:
        # A process that restarts, or belongs to another user, leaves the stack's addresses.
        with suppress(psutil.Error):
            found |= {k: v for k, v in psutil.Process(pid).environ().items() if k.startswith("SEPTET_")}
    return {name: value for name, value in found.items() if name not in _OWN}


def group_environment(
    place: Place, service: str, candidate: Candidate, live: Mapping[str, str]
) -> dict[str, str]:
    """Variables of a service of the group that differ from those of the live one."""
    # Nobody waits for these responses, and a missing score is a case without a value.
    patient = {"SEPTET_EVAL_SCORING_BUDGET": _SCORING_BUDGET} if service == "eval" else {}
    return {
        **patient,
        "SEPTET_NAMESPACE": place.replay,
        "SEPTET_INSTANCE": f"{service}-0",
        "SEPTET_SESSION_TIMEOUT": _SESSION,
        "SEPTET_DATA_DIR": str(place.workspace.path),
        **candidate.environment(service, live),
    }


def instructions(place: Place, specs: list[ServiceSpec], candidate: Candidate) -> list[str]:
    """How to start the group by hand, one line each."""
    lines = []
    if place.owner_dsn is None:
        names = " ".join(spec.name for spec in specs if spec.name != "guardrails")
        lines.append(f"SEPTET_NAMESPACE={place.replay} python -m septet_kit.migrate {names}")
    for spec in specs:
        changed = group_environment(place, spec.name, candidate, os.environ)
        changed.pop("SEPTET_DATA_DIR")
        variables = " ".join(f"{name}={value}" for name, value in changed.items())
        lines.append(f"{variables} python -m septet_{spec.name}")
    return lines


async def _wait_for_group(
    place: Place, specs: list[ServiceSpec], candidate: Candidate, progress: Progress
) -> None:
    """Print how to start the services, and wait until each has joined its group."""
    for line in instructions(place, specs, candidate):
        progress("start", line)
    admin = AdminClient({**place.kafka.librdkafka(), "log_level": 0})
    waiting = {place.tenants.namespace.qualify(group_of(spec.name)): spec.name for spec in specs}
    while waiting:
        described = admin.describe_consumer_groups(list(waiting), request_timeout=10)
        for group, future in described.items():
            found = await asyncio.wrap_future(future)
            if found.members and found.state.name == "STABLE":
                progress(waiting.pop(group), "ready")
        if waiting:
            await asyncio.sleep(_POLL_S)


async def clean(place: Place) -> namespaces.Contents:
    """Remove what a killed replay left.

    Raises:
        CliError: the replay runs.
        Transient, Permanent: Kafka or PostgreSQL does not answer, or refuses.
    """
    if place.workspace.is_running:
        raise CliError(f"The replay {place.replay} runs.", "end it with Ctrl-C in its terminal")
    place.workspace.reap()
    found = await namespaces.remove(place.kafka, place.owner_dsn, place.tenants.namespace)
    place.workspace.remove()
    return found

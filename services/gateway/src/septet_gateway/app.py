"""The one wiring point of the gateway.

The gateway is no stage of a request: it consumes in no group and has no dead letters. So it runs on the kit's parts
and not on its consumer loop.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import uvicorn
import uvloop
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from septet_kit import KitSettings, SeptetError, ServiceSpec
from septet_kit.lifecycle import exit_within, first_end, running, untraced
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.watchdog import LoopGuard
from septet_kit.observe import get_logger, logs, metrics, tracing
from septet_kit.observe.health import Server, health_server
from septet_kit.spec import Task, group_of
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.tenants import Tenants

from septet_gateway import migrations
from septet_gateway.adapters.embeddings import EmbeddingsEndpoint
from septet_gateway.adapters.kafka import Follower, KafkaLog
from septet_gateway.adapters.lag import GroupLag
from septet_gateway.adapters.postgres import SCHEMA, PostgresKeys, PostgresRequests
from septet_gateway.adapters.usage import PostgresUsage
from septet_gateway.api.routes import Parts, create_app
from septet_gateway.api.write_limit import limited_protocol
from septet_gateway.application.asking import Asker
from septet_gateway.application.authentication import Authenticator
from septet_gateway.application.backpressure import Backpressure
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.indexing import Changes, Indexer
from septet_gateway.application.quotas import Quotas
from septet_gateway.application.waiting import Waiting
from septet_gateway.housekeeping import BacklogMeter, ProducerGuard, Purger
from septet_gateway.settings import GatewaySettings

SPEC = ServiceSpec(
    "gateway",
    consumes=("responses", "released-tokens", "documents-changed"),
    produces=("requests", "cancellations", "documents", "feedback"),
    watches=("guardrails",),
    about="Serves an OpenAI-compatible HTTP API: publishes requests and documents, and returns their results.",
)

log = get_logger()

# After the grace of calls in progress, to send the producer's last records and to close connections.
_LAST_GRACE = timedelta(seconds=10)
# Each call waits for the count of its key, and shall not wait for a connection behind calls that store request ids.
_USAGE_CONNECTIONS = 2
# Of one read of the backlog.
_LAG_LIMIT = timedelta(seconds=5)


def main() -> None:
    """Run the service until SIGTERM or SIGINT; exits the process with 0, or 1 after an error."""
    kit = KitSettings()
    instance = kit.member(SPEC.name)
    logs.configure(SPEC.name, kit.log_level)
    tracing.configure(SPEC.name, instance, kit.otlp_endpoint, namespace=kit.namespace)
    metrics.namespace.labels(kit.namespace).set(1)
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    try:
        uvloop.run(_serve(kit, GatewaySettings(), instance))
    except SeptetError as error:
        log.error("service ended", code=error.code, error=error.message, field=error.field, fix=error.fix)  # noqa: TRY400
        sys.exit(1)
    except Exception as error:
        log.error("service ended", error=repr(error), exc_info=error)  # noqa: TRY400
        sys.exit(1)
    finally:
        tracing.shutdown()


async def _serve(kit: KitSettings, settings: GatewaySettings, instance: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        tenants = Tenants.load(kit.tenants_file, kit.names)
        publisher = Publisher(kit.kafka(), instance, tenants)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        pool = await stack.enter_async_context(open_pool(kit, SCHEMA, migrations.HEAD))
        embeddings = EmbeddingsEndpoint(kit)
        stack.push_async_callback(embeddings.close)
        waiting = Waiting(settings.max_waiting, settings.max_waiting_per_tenant)
        changes = Changes(settings.max_waiting, settings.max_waiting_per_tenant)
        follower = Follower(kit.kafka(), tenants, waiting, changes)
        follow = await stack.enter_async_context(follower.following())
        kafka_log = KafkaLog(kit.kafka(), tenants, publisher, settings.lookup_limit)
        requests = PostgresRequests(pool)
        counting = kit.model_copy(update={"postgres_pool": _USAGE_CONNECTIONS})
        usage_pool = (
            await stack.enter_async_context(open_pool(counting, SCHEMA)) if settings.has_limits else pool
        )
        usage = PostgresUsage(usage_pool, settings.limits, settings.key_lease)
        quotas = Quotas(usage, settings.limits, settings.key_lease)
        stack.push_async_callback(quotas.close)
        stack.callback(waiting.charges.close)
        group = kit.names.qualify(group_of("guardrails"))
        lag = GroupLag(kit.kafka(), group, tenants.addresses(["requests"]), _LAG_LIMIT)
        stack.push_async_callback(lag.close)
        pressure = Backpressure(settings.max_backlog)
        canceller = Canceller(kafka_log, requests, waiting, settings.cancel_grace)
        stack.push_async_callback(canceller.close)
        parts = Parts(
            settings,
            Authenticator(PostgresKeys(pool), settings.secret(), settings.key_cache),
            quotas,
            Asker(kafka_log, requests, waiting, pressure, settings.response_margin),
            Indexer(kafka_log, changes),
            kafka_log,
            embeddings,
            canceller,
        )
        api = _api_server(parts, kit.shutdown_grace)
        background = (
            follow,
            untraced(Purger(requests, usage, settings).run),
            untraced(quotas.run),
            BacklogMeter(lag, pressure, settings.backlog_every).run,
            ProducerGuard(publisher).run,
            LoopGuard(kit.watchdog_timeout).run,
            _health(kit, publisher, pool, api),
        )
        await _run(api, background, stop, kit.shutdown_grace)


async def _run(api: Server, background: Sequence[Task], stop: asyncio.Event, grace: timedelta) -> None:
    """Serve until ``stop`` is set or a task ends. Calls in progress then have the grace period to end."""
    async with running(background) as tasks:
        serving = asyncio.ensure_future(api.serve())
        try:
            await first_end(stop, [*tasks, serving])
        finally:
            log.info("stopping")
            exit_within(grace + _LAST_GRACE)
            api.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)


def _api_server(parts: Parts, grace: timedelta) -> Server:
    return Server(
        uvicorn.Config(
            create_app(parts),
            host=parts.settings.host,
            port=parts.settings.port,
            log_level="error",
            access_log=False,
            lifespan="off",
            limit_concurrency=parts.settings.max_connections,
            http=limited_protocol(parts.settings.write_limit),
            timeout_graceful_shutdown=int(grace.total_seconds()),
            **parts.settings.tls(),
        )
    )


def _health(kit: KitSettings, publisher: Publisher, pool: StorePool, api: Server) -> Task:
    async def store() -> None:
        await pool.fetchval("SELECT 1")

    async def listening() -> None:
        if not api.started:
            raise RuntimeError("the API does not listen yet")

    async def serve() -> None:
        if kit.health_port == 0:
            await asyncio.Event().wait()
        checks = (listening, untraced(store))
        server = health_server(kit.health_port, lambda: publisher.failure, checks, kit.health_host)
        await server.serve()

    return serve

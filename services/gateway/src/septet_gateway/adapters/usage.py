"""What the API keys have used, in the schema ``gateway``.

One statement does all: it lowers the counts by the time that has passed, adds the tokens, replaces the instance's number
of calls in progress, and grants calls. The row's lock makes concurrent statements of a key take turns.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from uuid import uuid4

from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from septet_gateway.domain.quotas import MINUTE_S, ROUNDING, Limits, Usage
from septet_gateway.ports import UsageReport

# `running` maps an instance to its number of calls in progress and to the end of its lease (Unix time). A limit that is
# NULL has no effect: `least` and `greatest` ignore it. The time of a new row is NULL, too. `now()` may be before the time
# of the row, because it does not move while the statement waits for the row's lock.
_UPDATE = f"""
UPDATE key_usage AS u SET (at, requests, tokens, granted, running) = (
    SELECT clock.now, used.requests + admitted.calls, used.tokens, admitted.calls,
        others.running || CASE WHEN $4::int + admitted.calls = 0 THEN '{{}}' ELSE jsonb_build_object(
            $2::text, jsonb_build_array($4::int + admitted.calls, clock.unix + $9::float8)
        ) END
    FROM (
        SELECT now, extract(epoch FROM now)::float8 AS unix, extract(epoch FROM now - u.at)::float8 / {MINUTE_S} AS minutes
        FROM (SELECT greatest(u.at, coalesce($10::timestamptz, now())) AS now) AS latest
    ) AS clock, LATERAL (
        SELECT greatest(0, u.requests - clock.minutes * $6::int) AS requests,
            greatest(0, u.tokens - clock.minutes * $7::int) + $5::int AS tokens
    ) AS used, LATERAL (
        SELECT coalesce(sum((value ->> 0)::int), 0) AS calls, coalesce(jsonb_object_agg(key, value), '{{}}') AS running
        FROM jsonb_each(u.running)
        WHERE key <> $2::text AND (value ->> 1)::float8 > clock.unix
    ) AS others, LATERAL (
        SELECT greatest(0, least(
            $3::int,
            floor($6::int - used.requests + {ROUNDING}),
            $8::int - $4::int - others.calls,
            CASE WHEN used.tokens + 1 > $7::int + {ROUNDING} THEN 0 END
        ))::int AS calls
    ) AS admitted
)
WHERE tenant = $11::text AND key_id = $1::text
RETURNING granted, requests, tokens
"""  # noqa: S608 - numbers of this module
_CREATE = "INSERT INTO key_usage (key_id, tenant) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_PURGE = "DELETE FROM key_usage WHERE at < now() - $1::interval"
# Instances mark the ids in the same order, so that none waits for another in a circle.
_CLAIM = """
INSERT INTO charged (tenant, request_id) SELECT $1, id FROM unnest($2::text[]) AS id ORDER BY id
ON CONFLICT DO NOTHING RETURNING request_id
"""
_PURGE_CHARGED = "DELETE FROM charged WHERE charged_at < now() - $1::interval"


class PostgresUsage:
    """The table of one instance of the gateway.

    Args:
        pool: on the schema.
        limits: of keys whose reports name no others.
        lease: for how long an instance's number of calls in progress counts after its last report.
    """

    def __init__(self, pool: StorePool, limits: Limits, lease: timedelta) -> None:
        self._pool = pool
        self._limits = limits
        self._lease = lease.total_seconds()
        self._instance = uuid4().hex

    async def update(self, report: UsageReport, at: datetime | None = None) -> Usage:
        """Write a report, and grant as many of the wanted calls as the key's limits allow.

        Args:
            report: of this instance.
            at: time of the report; the database's clock if absent.

        Raises:
            Transient: PostgreSQL does not answer.
        """
        limits = report.limits or self._limits
        args = (
            report.key_id,
            self._instance,
            report.wanted,
            report.running,
            report.tokens,
            limits.requests,
            limits.tokens,
            limits.concurrent,
            self._lease,
            at,
            report.tenant,
        )
        row = await self._pool.fetchrow(_UPDATE, *args, tenant=report.tenant)
        if row is None:
            # The first call of a key, or the first one after a purge.
            await self._pool.execute(_CREATE, report.key_id, report.tenant, tenant=report.tenant)
            row = await self._pool.fetchrow(_UPDATE, *args, tenant=report.tenant)
        assert row is not None
        return Usage(row["granted"], row["requests"], row["tokens"])

    async def claim(self, tenant: str, request_ids: Sequence[str]) -> Set[str]:
        """Mark requests as charged; returns those that were not before.

        Raises:
            Transient: PostgreSQL does not answer.
        """
        rows = await self._pool.fetch(_CLAIM, tenant, [*request_ids], tenant=tenant)
        return {row["request_id"] for row in rows}

    async def purge(self, after: timedelta) -> int:
        """Delete keys without calls for this time, and marks that are older; returns the number of keys."""
        await self._pool.execute(_PURGE_CHARGED, after, tenant=ALL_TENANTS)
        done = await self._pool.execute(_PURGE, after, tenant=ALL_TENANTS)
        return int(done.rpartition(" ")[2])

"""The budget, in the schema ``judge``."""

from __future__ import annotations

from datetime import timedelta

from septet_kit.store.pool import StorePool

from septet_judge.domain.budget import Reservation, Spend

SCHEMA = "judge"

# The row's lock makes check and addition one step, also between processes.
_RESERVE = """
INSERT INTO spend AS s (day, calls, tokens, micro_usd)
SELECT (now() AT TIME ZONE 'UTC')::date, $1::bigint, $2::bigint, $3::bigint
WHERE $1::bigint <= $4::bigint AND $2::bigint <= $5::bigint AND $3::bigint <= $6::bigint
ON CONFLICT (day) DO UPDATE
    SET calls = s.calls + $1::bigint, tokens = s.tokens + $2::bigint, micro_usd = s.micro_usd + $3::bigint
    WHERE s.calls + $1::bigint <= $4::bigint AND s.tokens + $2::bigint <= $5::bigint
      AND s.micro_usd + $3::bigint <= $6::bigint
RETURNING day
"""
_SETTLE = """
UPDATE spend SET calls = calls + $2::bigint, tokens = tokens + $3::bigint, micro_usd = micro_usd + $4::bigint
WHERE day = $1
"""
_PURGE = "DELETE FROM spend WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::integer"
_TODAY = """
SELECT calls, tokens, micro_usd FROM spend WHERE day = (now() AT TIME ZONE 'UTC')::date
"""


class PostgresBudget:
    """See :class:`septet_judge.ports.Budget`."""

    def __init__(self, pool: StorePool, limits: Spend) -> None:
        self._pool = pool
        self._limits = limits

    async def reserve(self, spend: Spend) -> Reservation | None:
        """Reserve a part of today's budget; None if it would exceed a limit."""
        limits = self._limits
        day = await self._pool.fetchval(
            _RESERVE,
            spend.calls,
            spend.tokens,
            spend.micro_usd,
            limits.calls,
            limits.tokens,
            limits.micro_usd,
        )
        return None if day is None else Reservation(day, spend)

    async def settle(self, reservation: Reservation, actual: Spend) -> None:
        """Correct the day of the reservation by the difference to what the calls did cost."""
        reserved = reservation.spend
        await self._pool.execute(
            _SETTLE,
            reservation.day,
            actual.calls - reserved.calls,
            actual.tokens - reserved.tokens,
            actual.micro_usd - reserved.micro_usd,
        )

    async def today(self) -> Spend:
        """What is spent or reserved today."""
        row = await self._pool.fetchrow(_TODAY)
        return Spend() if row is None else Spend(**row)

    async def purge(self, older_than: timedelta) -> None:
        """Delete the rows of days before that."""
        await self._pool.execute(_PURGE, older_than.days)

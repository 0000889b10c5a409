"""Rows in which something that a service needs is away or silent."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import asyncpg
from septet_cli.stub.server import StubOptions
from septet_native.errors import ToolMissing
from septet_native.packages.jdk import find_jdk
from septet_native.packages.versions import pinned

from ..lab import FULL, Lab, Scale, lab
from ..result import Claims, Row
from ..traffic import Traffic
from . import network
from .corpus import NEVER_ABSTAIN, ingested

# What a request may end with when no model answers.
_MODEL_AWAY = frozenset({"model_error", "model_timeout", "model_unreachable", "deadline_exceeded"})
_WITH_OPENSEARCH = {"stack": "native", "jaeger": False}
_PENDING = "SELECT count(*) FROM eval.requests WHERE state = 'pending'"


async def away(work: Path, seed: int, scale: Scale) -> Claims:
    """A server of each side of the search stopped for 60 s; the model refuses for 60 s.

    The lexical side can only be away where it is a server: OpenSearch, on a machine with the JDK that it needs.
    """
    claims = Claims()
    seconds = scale.seconds(60, 10)
    async with lab(work / "embedded", seed, scale, env=NEVER_ABSTAIN) as here:
        await ingested(here)
        dense = await _search_away(here, "embeddings", "retrieval.dense", seconds, claims)
        claims.figure(embeddings_away=dense, model_away=await _model_away(here, claims))
    if scale.brief or not _has_jdk():
        claims.figure(opensearch_away="not run: short form, or no JDK")
        return claims
    async with lab(work / "native", seed, scale, env=NEVER_ABSTAIN, servers=_WITH_OPENSEARCH) as here:
        await ingested(here)
        lexical = await _search_away(here, "opensearch", "retrieval.lexical", seconds, claims)
        claims.figure(opensearch_away=lexical)
    return claims


def _has_jdk() -> bool:
    try:
        find_jdk(pinned("opensearch")["java"])
    except ToolMissing:
        return False
    return True


async def _model_away(here: Lab, claims: Claims) -> dict[str, Any]:
    here.behave(fail_rate=1.0)
    traffic = here.traffic(deadline_s=20)
    await traffic.steady(2, here.scale.seconds(60, 5))
    verdict = await here.verdict(traffic, ordered=False)
    here.behave(fail_rate=0.0)
    claims.keep(verdict)
    claims.expect(set(verdict.codes) <= _MODEL_AWAY, f"other failures than typed: {dict(verdict.codes)}")
    claims.expect(sum(verdict.codes.values()) == verdict.sent, "a response has no code")
    return {"statuses": dict(verdict.statuses), "codes": dict(verdict.codes)}


async def _search_away(here: Lab, server: str, part: str, seconds: float, claims: Claims) -> dict[str, Any]:
    traffic = here.traffic({**FULL, "policy": "bare"}, first=2_000_000)
    loop = asyncio.get_running_loop()
    sending = asyncio.create_task(traffic.steady(2, seconds + 4))
    await asyncio.sleep(2)
    here.signal_server(server, signal.SIGSTOP)
    begin = loop.time()
    try:
        await asyncio.sleep(seconds)
    finally:
        here.signal_server(server, signal.SIGCONT)
    end = loop.time()
    await sending
    verdict = await here.verdict(traffic, ordered=False)
    claims.keep(verdict)
    answered = here.watch.first_seen
    within = {i for i, at in traffic.begun.items() if begin < at and answered[i] < end}
    without = [s for s in verdict.seen if s.request_id in within]
    marked = sum(part in s.degraded for s in without)
    claims.expect(verdict.answered >= 0.99, f"{verdict.answered:.3f} answered without {server}")
    unmarked = [s for s in without if s.status not in ("failed", "expired") and part not in s.degraded]
    claims.expect(not unmarked, f"{len(unmarked)} of {len(without)} are not marked {part}")
    claims.expect(marked > 0, "no response is marked degraded")
    return {
        "asked_meanwhile": len(without),
        "marked": marked,
        "answered": round(verdict.answered, 4),
        "statuses": dict(verdict.statuses),
        "codes": dict(verdict.codes),
    }


async def hanging(work: Path, seed: int, scale: Scale) -> Claims:
    """A model that takes calls and never answers."""
    claims = Claims()
    async with lab(work, seed, scale, stub=StubOptions(hang=True)) as here:
        traffic = here.traffic(conversations=0, deadline_s=6)
        await traffic.steady(5, scale.seconds(20, 4))
        waited = here.stub.waiting
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        late = max(here.watch.latencies(traffic)) - 6
        claims.figure(
            sent=verdict.sent,
            latest_after_deadline_s=late,
            statuses=dict(verdict.statuses),
            codes=dict(verdict.codes),
            calls_open_meanwhile=waited,
        )
        claims.expect(late <= 1.0, f"a failure came {late:.2f} s after the deadline")
        claims.expect(set(verdict.codes) == {"deadline_exceeded"}, f"codes: {dict(verdict.codes)}")
        claims.expect(sum(verdict.codes.values()) == verdict.sent, "something was answered, or has no code")
        await _nothing_left(here, claims)
        here.behave(hang=False)
        again: Traffic = here.traffic()
        await again.steady(5, 3)
        verdict = await here.verdict(again)
        claims.keep(verdict)
        claims.expect(verdict.answered == 1, f"after the hang: {dict(verdict.statuses)}")
    return claims


async def _nothing_left(here: Lab, claims: Claims) -> None:
    """No call is open at the model, no record in a lane, none uncommitted, no request pending."""
    await here.drained()
    # The model still hangs: it gives up a call only when generation hangs up.
    lanes = await here.fleet.gauge("generation", "septet_lane_depth")
    connection = await asyncpg.connect(here.addresses.postgres_dsn)
    try:
        pending = await connection.fetchval(_PENDING)
    finally:
        await connection.close()
    left = {"calls": here.stub.waiting, "lanes": lanes, "pending": pending}
    claims.figure(left_behind=left)
    claims.expect(not any(left.values()), f"left behind: {left}")


ROWS = (
    network.ROW,
    Row(
        11,
        "each side of the search away 60 s: embeddings, OpenSearch; the model away 60 s",
        "≥ 99 % answered, marked degraded; typed failures for the rest",
        away,
    ),
    Row(13, "the model hangs", "failure ≤ deadline + 1 s, no task left behind", hanging),
)

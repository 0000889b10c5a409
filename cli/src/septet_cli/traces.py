"""Reads traces from a query API that is compatible with Jaeger's."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import httpx
from septet_kit.messaging.connection import Kafka

from septet_cli.errors import CliError, Unreachable

TRACE_ID = re.compile(r"^[0-9a-f]{32}$")
COMPLETE_WITHIN_S = 6.0


async def read_trace(base: str, trace_id: str) -> dict[str, Any] | None:
    """A trace, or None when the API does not have it.

    Raises:
        Unreachable: the server at *base* does not answer.
    """
    try:
        async with httpx.AsyncClient(base_url=base, timeout=10, trust_env=False) as http:
            answer = await http.get(f"/api/traces/{trace_id}")
    except httpx.HTTPError as error:
        raise Unreachable(
            f"The trace server at {base} does not answer: {error}",
            "start the stack with `septet up`, or correct SEPTET_TRACES_URL",
        ) from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    found = answer.raise_for_status().json()["data"]
    return found[0] if found and found[0]["spans"] else None


async def complete_trace(
    base: str, trace_id: str, timeout: float = COMPLETE_WITHIN_S
) -> dict[str, Any] | None:
    """Poll until the trace stops growing, or until *timeout*: spans are exported in batches after they end."""
    end, size = time.monotonic() + timeout, -1
    trace = None
    while time.monotonic() < end:
        trace = await read_trace(base, trace_id)
        now = len(trace["spans"]) if trace else -1
        if now > 0 and now == size and _has_one_root(trace):
            return trace
        size = now
        await asyncio.sleep(0.7)
    return trace


def _has_one_root(trace: dict[str, Any] | None) -> bool:
    from septet_cli.waterfall import forest

    return trace is not None and len(forest(trace)) == 1


async def trace_id_of(kafka: Kafka, base: str, name: str, tenant: str) -> str:
    """The trace id of a request id; a trace id is returned unchanged.

    Raises:
        CliError: no such request is found.
    """
    from septet_kit.observe.tracing import derived_context

    from septet_cli.history import find_responses

    if TRACE_ID.match(name):
        return name
    derived = f"{derived_context(tenant, name).trace_id:032x}"
    if await read_trace(base, derived) is not None:
        return derived
    for response in await find_responses(kafka, name):
        if response.get("trace_id"):
            return str(response["trace_id"])
    raise CliError(
        f"No request {name} of the tenant {tenant} was found.",
        "give the request id that `septet ask` prints, and its --tenant",
    )

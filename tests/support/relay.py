"""A service that relays requests to ``screened``: ``python -m tests.support.relay``.

It is put together by :func:`septet_kit.service.run` as every service is, and takes the place of guardrails. A request
with the question :data:`FATAL` ends the process as ``kill -9`` does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from septet_contracts import Request, Screened
from septet_kit import Context, Emit, Kit, ServiceSpec, Stage, Wiring
from septet_kit.service import run
from septet_kit.testing import flow

SPEC = ServiceSpec("guardrails", consumes=("requests",), produces=("screened", "outcomes"))
FATAL = "What ends a process?"


async def relay(event: Request, ctx: Context) -> Sequence[Emit]:
    """Hand the request on."""
    if event.question == FATAL:
        os.kill(os.getpid(), signal.SIGKILL)
    made = flow(
        Screened,
        question=event.query,
        request_id=event.request_id,
        tenant=event.tenant,
        conversation_id=event.conversation_id,
    )
    return [Emit("screened", made)]


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """One stage."""
    yield Wiring(stages=[Stage("requests", relay)])


if __name__ == "__main__":
    run(SPEC, wire)

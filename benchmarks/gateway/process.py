"""The gateway process that the benchmarks measure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from septet_cli.keys import KeyStore, open_keys
from septet_native.services import module_of
from septet_native.stack.stack import Stack

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def gateway(stack: Stack) -> AsyncIterator[KeyStore]:
    """Start the gateway on a running stack, which stops it; yields the table of its keys."""
    await stack.spawn_service("gateway", module_of("gateway"), {})
    async with open_keys(stack.addresses) as store:
        yield store

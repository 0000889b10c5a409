"""The embedded stack with its topics and services, as `up`, `demo` and `bench` start it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from septet_kit.messaging.admin import ensure_topics
from septet_native.settings import StackSettings
from septet_native.stack import Stack

Progress = Callable[[str, str], None]


@asynccontextmanager
async def running(
    settings: StackSettings, services: Sequence[str], progress: Progress, env: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Servers, then topics, then services; everything is stopped on the way out.

    Raises:
        StackError: something could not be started; what had started is stopped then.
    """
    async with Stack(settings) as stack:
        addresses = await stack.start(progress)
        progress("topics", "creating")
        await ensure_topics(addresses.kafka)
        progress("topics", "ready")
        await stack.start_services(services, env, progress)
        yield stack

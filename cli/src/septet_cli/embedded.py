"""A stack with its topics and services, as `up`, `demo` and `bench` start it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from septet_kit.messaging.admin import ensure_topics
from septet_kit.tenants import Tenants
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from septet_cli.errors import CliError

Progress = Callable[[str, str], None]


@asynccontextmanager
async def running(
    settings: StackSettings, services: Sequence[str], progress: Progress, env: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Servers, then topics, then services; everything is stopped on the way out.

    Raises:
        StackError: something could not be started; what had started is stopped then.
    """
    if named := (env or {}).get("SEPTET_TENANTS_FILE"):
        # The broker's users and topics are those of the tenants that the services will know.
        settings = settings.model_copy(update={"tenants_file": Path(named)})
    async with Stack(settings) as stack:
        with stack.starting(progress) as told:
            addresses = await stack.start(told)
            told("topics", "creating")
            await ensure_topics(
                addresses.connection("admin"), topics=Tenants.load(settings.tenants_file).topics()
            )
            told("topics", "ready")
            await stack.start_services(services, env, told)
        yield stack


def stack_settings(stack: str | None, data_dir: Path | None, **fields: Any) -> StackSettings:
    """Settings from the environment, with the options of a command before them.

    Raises:
        CliError: there is no stack of that name.
    """
    if stack not in (None, "embedded", "native"):
        raise CliError(f"There is no stack {stack}.", "choose `embedded` or `native`")
    given = {"stack": stack, "data_dir": data_dir, **fields}
    return StackSettings(**{name: value for name, value in given.items() if value is not None})

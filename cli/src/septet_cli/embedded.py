"""Runs a stack with its topics and services for `up`, `demo` and `bench`."""

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
    """Start the servers, create the topics, start the services; stop everything on exit.

    Raises:
        StackError: a process could not be started; those that run are stopped.
    """
    if named := (env or {}).get("SEPTET_TENANTS_FILE"):
        # The broker needs users and topics for the same tenants as the services.
        settings = settings.model_copy(update={"tenants_file": Path(named)})
    async with Stack(settings) as stack:
        with stack.starting(progress) as report_step:
            addresses = await stack.start(report_step)
            report_step("topics", "creating")
            await ensure_topics(
                addresses.connection("admin"), topics=Tenants.load(settings.tenants_file).topics()
            )
            report_step("topics", "ready")
            await stack.start_services(services, env, report_step)
        yield stack


def stack_settings(stack: str | None, data_dir: Path | None, **fields: Any) -> StackSettings:
    """Settings from the environment; options of the command override them.

    Raises:
        CliError: *stack* is neither `embedded` nor `native`.
    """
    if stack not in (None, "embedded", "native"):
        raise CliError(f"--stack {stack}: no such stack.", "give --stack embedded or --stack native")
    given = {"stack": stack, "data_dir": data_dir, **fields}
    return StackSettings(**{name: value for name, value in given.items() if value is not None})

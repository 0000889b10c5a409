"""Stacks for the whole session: real Kafka, PostgreSQL, models and traces.

With ``SEPTET_TEST_STACK=native`` the same tests run on the servers of production: ``backend`` is the stack that
``make stack`` started, and every stack that a test starts for itself (to play a service's part, to kill processes,
to use a stub model) is a native one too.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from septet_cli.client import Client, connect, new_request_id
from septet_cli.embedded import running
from septet_contracts import Response
from septet_kit.messaging.admin import ensure_topics
from septet_kit.settings import KitSettings
from septet_native.services import SERVICES
from septet_native.stack.addresses import Addresses
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack
from septet_native.stack.state import read_state

STACK = os.environ.get("SEPTET_TEST_STACK", "embedded")
NATIVE = STACK == "native"


def stack_settings(data_dir: Path, **fields: object) -> StackSettings:
    """Settings of a stack on free ports."""
    ports = {name: 0 for name in StackSettings.model_fields if name.endswith("_port")}
    return StackSettings.model_validate({"stack": STACK, "data_dir": data_dir, **ports, **fields})


def kit_settings(addresses: Addresses, **fields: object) -> KitSettings:
    """A service's settings for a stack, built in the process instead of from the environment.

    It may do what any service may: a test plays several parts at once.
    """
    kafka = addresses.connection("admin")
    return KitSettings.model_validate(
        {
            "kafka_bootstrap": kafka.bootstrap,
            "kafka_protocol": kafka.protocol,
            "kafka_username": kafka.username,
            "kafka_password": SecretStr(kafka.password),
            "kafka_ca_file": kafka.ca_file,
            "postgres_dsn": SecretStr(addresses.postgres_dsn),
            "embeddings_url": addresses.embeddings_url,
            "llm_url": addresses.llm_url or "http://127.0.0.1:9/v1",
            **fields,
        }
    )


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The servers, with topics; neither language model nor services."""
    wanted = stack_settings(tmp_path_factory.mktemp("stack"), llm=False, opensearch=False, jaeger=False)
    async with Stack(wanted) as running:
        addresses = await running.start()
        await ensure_topics(addresses.connection("admin"))
        yield running


@pytest.fixture(scope="session")
def addresses(stack: Stack) -> Addresses:
    """Where the session's servers listen."""
    assert stack.addresses is not None
    return stack.addresses


@dataclass(frozen=True)
class Backend:
    """A whole Septet: servers, services, and a client of it; ``stack`` only where the test started it."""

    stack: Stack | None
    addresses: Addresses
    client: Client

    async def ask(self, question: str | None, timeout: float = 60, **fields: Any) -> Response:
        """Publish a request and wait for its response."""
        request: dict[str, Any] = {"request_id": new_request_id("test"), **fields}
        if question is not None:
            request["question"] = question
        return await self.client.ask(request, timeout)


@asynccontextmanager
async def started(
    settings: StackSettings, env: dict[str, str] | None = None, services: tuple[str, ...] = SERVICES
) -> AsyncIterator[Backend]:
    """Servers, topics, services and a client; all of it stopped on the way out."""
    async with running(settings, services, lambda *_: None, env) as stack:
        assert stack.addresses is not None
        async with connect(stack.addresses.connection(), stream=True) as client:
            yield Backend(stack, stack.addresses, client)


@asynccontextmanager
async def attached() -> AsyncIterator[Backend]:
    """A client of the native stack that runs already."""
    settings = StackSettings(stack="native")
    state = read_state(settings.places().data)
    if state is None:
        pytest.fail("no native stack runs: start it with `make stack`", pytrace=False)
    async with connect(state.addresses.connection(), stream=True) as client:
        yield Backend(None, state.addresses, client)


@pytest.fixture(scope="session")
async def backend(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """A whole Septet with the small language model, shared by the session."""
    if NATIVE:
        async with attached() as made:
            yield made
        return
    async with started(stack_settings(tmp_path_factory.mktemp("backend"))) as made:
        yield made


@pytest.fixture
def settings(addresses: Addresses) -> KitSettings:
    """A service's settings for the session's stack."""
    return kit_settings(addresses)

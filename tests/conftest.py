"""One embedded stack for the whole session: real Kafka, PostgreSQL, models and trace receiver."""

from __future__ import annotations

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
from septet_native.addresses import Addresses
from septet_native.services import SERVICES
from septet_native.settings import StackSettings
from septet_native.stack import Stack


def stack_settings(data_dir: Path, **fields: object) -> StackSettings:
    """Settings of a stack on free ports."""
    ports = dict.fromkeys(
        (
            "kafka_port",
            "kafka_controller_port",
            "postgres_port",
            "embeddings_port",
            "llm_port",
            "traces_port",
        ),
        0,
    )
    return StackSettings.model_validate({"data_dir": data_dir, **ports, **fields})


def kit_settings(addresses: Addresses, **fields: object) -> KitSettings:
    """A service's settings for a stack, built in the process instead of from the environment."""
    return KitSettings.model_validate(
        {
            "kafka_bootstrap": addresses.kafka,
            "postgres_dsn": SecretStr(addresses.postgres_dsn),
            "embeddings_url": addresses.embeddings_url,
            "llm_url": addresses.llm_url or "http://127.0.0.1:9/v1",
            **fields,
        }
    )


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The servers, with topics; neither language model nor services."""
    async with Stack(stack_settings(tmp_path_factory.mktemp("stack"), llm=False)) as running:
        addresses = await running.start()
        await ensure_topics(addresses.kafka)
        yield running


@pytest.fixture(scope="session")
def addresses(stack: Stack) -> Addresses:
    """Where the session's servers listen."""
    assert stack.addresses is not None
    return stack.addresses


@dataclass(frozen=True)
class Backend:
    """A whole Septet: servers, services, and a client of it."""

    stack: Stack
    addresses: Addresses
    client: Client

    async def ask(self, question: str | None, timeout: float = 60, **fields: Any) -> Response:
        """Publish a request and wait for its response."""
        request: dict[str, Any] = {"request_id": new_request_id("test"), **fields}
        if question is not None:
            request["question"] = question
        return await self.client.ask(request, timeout)


@asynccontextmanager
async def started(settings: StackSettings, env: dict[str, str] | None = None) -> AsyncIterator[Backend]:
    """Servers, topics, services and a client; all of it stopped on the way out."""
    async with running(settings, SERVICES, lambda *_: None, env) as stack:
        assert stack.addresses is not None
        async with connect(stack.addresses.kafka, stream=True) as client:
            yield Backend(stack, stack.addresses, client)


@pytest.fixture(scope="session")
async def backend(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """A whole Septet with the small language model, shared by the session."""
    async with started(stack_settings(tmp_path_factory.mktemp("backend"))) as made:
        yield made


@pytest.fixture
def settings(addresses: Addresses) -> KitSettings:
    """A service's settings for the session's stack."""
    return kit_settings(addresses)

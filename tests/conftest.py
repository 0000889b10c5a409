"""One embedded stack for the whole session: real Kafka, PostgreSQL, models and trace receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from septet_kit.messaging.admin import ensure_topics
from septet_kit.settings import KitSettings
from septet_native.addresses import Addresses
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
    """The servers, with topics; no services."""
    async with Stack(stack_settings(tmp_path_factory.mktemp("stack"))) as running:
        addresses = await running.start()
        await ensure_topics(addresses.kafka)
        yield running


@pytest.fixture(scope="session")
def addresses(stack: Stack) -> Addresses:
    """Where the session's servers listen."""
    assert stack.addresses is not None
    return stack.addresses


@pytest.fixture
def settings(addresses: Addresses) -> KitSettings:
    """A service's settings for the session's stack."""
    return kit_settings(addresses)

"""The gateway of a stack with the stub model, for the clients in ``.venv-clients``."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from septet_cli.keys import open_keys
from septet_cli.log import connection_of
from septet_cli.stub.server import StubOptions, serve_stub
from septet_client import Septet
from septet_native.services import module_of

from ..conftest import stack_settings, started
from .environment import COMMAND, ENVIRONMENT, is_installed

# Names in the tests of the openai package.
CHAT_MODELS = ("septet", "gpt-4o-mini", "gpt-6-astra")
EMBEDDINGS_MODELS = ("text-embedding-3-small",)
DOCUMENTS = {
    "leave": "An employee of Harbour has 31 days of leave a year. Leave is approved by the manager of the team.",
    # compatcanary asks for this status as JSON. Without a document that answers it, the answer is a refusal.
    "status": "The requested compatibility status is ok. The status of the compatibility is returned on request.",
}


@dataclass(frozen=True)
class Gateway:
    """Address of the API, and a key."""

    url: str
    key: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a client's process."""
        passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **passed,
            "OPENAI_BASE_URL": self.url,
            "OPENAI_API_KEY": self.key,
            "TEST_API_BASE_URL": self.url,
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@pytest.fixture(scope="session", autouse=True)
def _environment() -> None:
    if not is_installed():
        pytest.skip(f"clients: {ENVIRONMENT.name} is missing; run `{COMMAND}`")


@pytest.fixture(scope="session")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway whose model names are those of the suites, and its documents."""
    env = {
        "SEPTET_GATEWAY_MODELS": json.dumps(dict.fromkeys(CHAT_MODELS, "default")),
        "SEPTET_GATEWAY_EMBEDDINGS_MODELS": json.dumps(EMBEDDINGS_MODELS),
    }
    async with serve_stub(StubOptions()) as url:
        settings = stack_settings(tmp_path_factory.mktemp("clients"), llm_url=url, llm_model="stub")
        async with started(settings) as backend:
            assert backend.stack is not None
            await backend.stack.spawn_service("gateway", module_of("gateway"), env)
            async with Septet(connection_of(backend.addresses.connection())) as septet:
                for name, text in DOCUMENTS.items():
                    document = await septet.documents.upsert(name, text, title=name.title())
                    await septet.documents.wait(document)
            async with open_keys(backend.addresses) as store:
                key = await store.table.create("default", "clients", ("ask",), store.secret)
            yield Gateway(backend.addresses.gateway_url, key)

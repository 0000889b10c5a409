"""API keys of the gateway: the table of a local stack, or of the settings' database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr
from septet_kit.errors import SeptetError

from septet_cli.errors import CliError, NoStack

if TYPE_CHECKING:
    from septet_gateway.adapters.postgres import PostgresKeys
    from septet_native.stack.addresses import Addresses

SECRET_VARIABLE = "SEPTET_GATEWAY_KEY_SECRET"  # noqa: S105 - a variable's name
FIRST_KEY = "local"
FIRST_SCOPES = ("ask", "documents", "feedback")


@dataclass(frozen=True)
class KeyStore:
    """The table of keys, and the secret of their hashes."""

    table: PostgresKeys
    secret: bytes


@asynccontextmanager
async def open_keys(addresses: Addresses | None = None) -> AsyncIterator[KeyStore]:
    """Open the table of keys.

    Args:
        addresses: of a stack; by default the settings' database, or that of the running stack.

    Raises:
        CliError: no stack runs, the secret is not set, or the database cannot be reached.
    """
    from septet_gateway.adapters.postgres import SCHEMA, PostgresKeys
    from septet_gateway.settings import GatewaySettings
    from septet_kit.settings import KitSettings
    from septet_kit.store.pool import open_pool

    kit, gateway = KitSettings(), GatewaySettings()
    if addresses is None and not gateway.key_secret.get_secret_value():
        addresses = _running()
    if addresses is not None:
        dsn = addresses.postgres_dsns.get("gateway", addresses.postgres_dsn)
        kit = kit.model_copy(update={"postgres_dsn": SecretStr(dsn), "instance": "septet-keys"})
        gateway = gateway.model_copy(update={"key_secret": SecretStr(addresses.gateway_secret)})
    try:
        secret = gateway.secret()
        async with open_pool(kit, SCHEMA) as pool:
            yield KeyStore(PostgresKeys(pool), secret)
    except SeptetError as error:
        raise CliError(error.message, error.fix or "check SEPTET_POSTGRES_DSN") from error


async def first_key(addresses: Addresses) -> str | None:
    """Create the first key of a local stack; ``None`` if the stack has keys already."""
    async with open_keys(addresses) as store:
        if await store.table.list():
            return None
        return await store.table.create("default", FIRST_KEY, FIRST_SCOPES, store.secret)


def introduction(url: str, key: str | None) -> str:
    """Address of the API, the key that was created for it, and a command that uses it."""
    shown = key or "$API_KEY"
    head = f"API      {url}"
    made = f"key      {key}   (shown once)" if key else "key      create one with `septet keys create`"
    body = '{"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}'
    curl = f"curl {url}/chat/completions -H 'Authorization: Bearer {shown}' -d '{body}'"
    return f"{head}\n{made}\ntry      {curl}"


def _running() -> Addresses:
    from septet_native.stack.state import find_state

    from septet_cli.settings import CliSettings

    data_dir = CliSettings().data_dir
    state = find_state(data_dir)
    if state is None:
        raise NoStack(
            f"No stack runs on the data directory {data_dir}, and {SECRET_VARIABLE} is not set.",
            f"start a stack with `septet up`, or set {SECRET_VARIABLE} and SEPTET_POSTGRES_DSN",
        )
    return state.addresses

"""Finding the stack that is to be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from septet_kit.messaging.connection import KafkaConnection

from septet_cli.errors import NoStack
from septet_cli.settings import CliSettings


@dataclass(frozen=True)
class Target:
    """Addresses that commands talk to."""

    kafka: KafkaConnection
    traces_url: str | None
    data_dir: Path


def locate(settings: CliSettings | None = None) -> Target:
    """The stack named by the environment, else the one that runs on the data directory.

    Raises:
        NoStack: neither is there.
    """
    settings = settings or CliSettings()
    if settings.kafka_bootstrap:
        return Target(settings.kafka(), settings.traces_url, settings.data_dir)
    from septet_native.stack.state import find_state

    state = find_state(settings.data_dir)
    if state is None:
        raise NoStack(
            f"No stack runs on {settings.data_dir} (no live {settings.data_dir / 'state.json'}).",
            "start one with `septet up` in another terminal and this directory, or with `septet stack up`, "
            "or set SEPTET_DATA_DIR or SEPTET_KAFKA_BOOTSTRAP",
        )
    addresses = state.addresses
    return Target(
        addresses.connection(settings.kafka_principal),
        settings.traces_url or addresses.traces_url,
        settings.data_dir,
    )

"""Finds the stack that the commands connect to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from septet_kit.messaging.connection import KafkaConnection

from septet_cli.errors import NoStack
from septet_cli.settings import CliSettings


@dataclass(frozen=True)
class Target:
    """Addresses that the commands connect to."""

    kafka: KafkaConnection
    traces_url: str | None
    data_dir: Path


def locate(settings: CliSettings | None = None) -> Target:
    """The Kafka of ``SEPTET_KAFKA_BOOTSTRAP``, else the stack of the data directory.

    Raises:
        NoStack: neither is available.
    """
    settings = settings or CliSettings()
    if settings.kafka_bootstrap:
        return Target(settings.kafka(), settings.traces_url, settings.data_dir)
    from septet_native.stack.state import find_state

    state = find_state(settings.data_dir)
    if state is None:
        raise NoStack(
            f"No stack runs on the data directory {settings.data_dir} (its state.json is missing or stale).",
            "start one here with `septet up` in another terminal or with `septet stack up`; "
            "for a stack elsewhere, set SEPTET_DATA_DIR or SEPTET_KAFKA_BOOTSTRAP",
        )
    addresses = state.addresses
    return Target(
        addresses.connection(settings.kafka_principal),
        settings.traces_url or addresses.traces_url,
        settings.data_dir,
    )

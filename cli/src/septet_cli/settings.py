"""Where the command finds the stack."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class CliSettings(BaseSettings):
    """Settings of the command (environment prefix ``SEPTET_``).

    Attributes:
        data_dir: data directory of the embedded stack; its ``state.json`` names the addresses.
        kafka_bootstrap: address of a Kafka that is not the embedded one; overrides ``state.json``.
        traces_url: base address of a trace query API (embedded or Jaeger).
        tenant: tenant on whose behalf requests are made.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    data_dir: Path = Path(".septet")
    kafka_bootstrap: str | None = None
    traces_url: str | None = None
    tenant: str = "default"

"""Settings that every service shares. Each field is an environment variable: ``SEPTET_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KitSettings(BaseSettings):
    """Addresses and limits of the chassis."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    postgres_dsn: SecretStr = SecretStr("postgresql://septet@127.0.0.1:5432/septet")
    postgres_pool: int = Field(default=4, ge=1, description="Connections per process.")
    embeddings_url: str = "http://127.0.0.1:8081/v1"
    embeddings_model: str = "all-MiniLM-L6-v2"
    llm_url: str = "http://127.0.0.1:8080/v1"
    llm_model: str = "septet-small"
    llm_api_key: SecretStr = SecretStr("none")
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP base address; no traces if absent."
    )
    data_dir: Path = Path(".septet")
    tenants_file: Path | None = Field(
        default=None, description="YAML list of tenants; packaged one if absent."
    )
    instance: str | None = Field(
        default=None,
        description="Static member name, unique per process of a service; <service>-0 if absent.",
    )
    health_port: int = Field(default=0, ge=0, le=65_535, description="0: no health server.")
    health_host: str = "127.0.0.1"
    log_level: str = "INFO"
    capture_content: bool = Field(default=False, description="Prompt and answer text in traces.")
    shutdown_grace: timedelta = timedelta(seconds=10)
    watchdog_timeout: timedelta = timedelta(seconds=30)
    commit_interval: timedelta = timedelta(milliseconds=50)
    session_timeout: timedelta = timedelta(seconds=10)

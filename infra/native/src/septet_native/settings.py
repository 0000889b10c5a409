"""Settings of the embedded stack, read from ``SEPTET_*`` variables."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from septet_native.cache import cache_root
from septet_native.server import Places


def _cores() -> int:
    return min(4, os.cpu_count() or 1)


class StackSettings(BaseSettings):
    """Where the stack lives and what it starts. A port that is taken is replaced; 0 means any.

    Attributes:
        data_dir: everything the stack keeps: topics, database, traces, logs.
        cache: downloads and built models (default: the user's cache directory).
        kafka_port, kafka_controller_port, postgres_port, embeddings_port, llm_port, traces_port:
            preferred ports on loopback.
        llm: start the small language model.
        llm_url: an OpenAI-compatible endpoint (ending in ``/v1``) to use in place of the small model.
        llm_model: the model's name at that endpoint.
        llm_slots: requests the small model generates at the same time.
        llm_context: tokens of one request, prompt and answer together.
        threads: threads of each model server.
        max_traces: traces kept.
        start_timeout: how long one server may take to become healthy.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    data_dir: Path = Path(".septet")
    cache: Path | None = None
    kafka_port: int = Field(default=9092, ge=0, le=65535)
    kafka_controller_port: int = Field(default=9093, ge=0, le=65535)
    postgres_port: int = Field(default=5433, ge=0, le=65535)
    embeddings_port: int = Field(default=8091, ge=0, le=65535)
    llm_port: int = Field(default=8092, ge=0, le=65535)
    traces_port: int = Field(default=4318, ge=0, le=65535)
    llm: bool = True
    llm_url: str | None = None
    llm_model: str | None = None
    llm_slots: int = Field(default=2, ge=1)
    llm_context: int = Field(default=2048, ge=256)
    threads: int = Field(default_factory=_cores, ge=1)
    max_traces: int = Field(default=5000, ge=1)
    start_timeout: timedelta = timedelta(seconds=90)

    def places(self) -> Places:
        """The directories, absolute."""
        return Places(self.data_dir.expanduser().resolve(), cache_root(self.cache))

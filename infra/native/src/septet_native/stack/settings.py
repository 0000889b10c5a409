"""Settings of a stack, read from ``SEPTET_*`` variables."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from septet_native.packages.cache import cache_root
from septet_native.servers.server import Places
from septet_native.stack.data_dir import stack_dir


def _cores() -> int:
    return min(4, os.cpu_count() or 1)


class StackSettings(BaseSettings):
    """Data directory, ports and servers of a stack. A taken port is replaced; 0 means any.

    Attributes:
        stack: which servers to start: ``embedded`` or ``native``.
        data_dir: topics, database, traces and logs; the native stack uses its subdirectory ``native``, so that both
            stacks can run.
        cache: downloads and built models (default: the user's cache directory).
        kafka_port: preferred port of Kafka on loopback; the other ports are those of their servers.
        kafka_controller_port: of Kafka's controller.
        postgres_port: of PostgreSQL.
        embeddings_port: of the embeddings server.
        embeddings_model: ``multilingual-e5-small``, or ``all-MiniLM-L6-v2``: English only, with less CPU and memory.
        llm_port: of the small language model.
        opensearch_port: of OpenSearch.
        opensearch_transport_port: between the nodes of OpenSearch.
        jaeger_port: of Jaeger's page and query API.
        jaeger_grpc_port: of Jaeger's query API over gRPC.
        jaeger_health_port: of Jaeger's health check.
        gateway_port: of the gateway's API.
        traces_port: preferred port that receives OTLP; without Jaeger, also of the trace page.
        opensearch: start OpenSearch in the native stack; when false, retrieval uses its own lexical index.
        jaeger: start Jaeger in the native stack; when false, the embedded trace receiver replaces it.
        opensearch_heap_mb: Java heap of OpenSearch, in MB.
        tenants_file: YAML list of tenants, including those with their own topics (default: the packaged one).
        llm: start the small language model.
        llm_url: an OpenAI-compatible endpoint (ending in ``/v1``) to use in place of the small model.
        llm_model: the model's name at that endpoint.
        llm_slots: number of requests that the small model generates at the same time.
        llm_context: tokens of one request, prompt plus answer.
        threads: threads of each model server.
        max_traces: number of traces to keep.
        start_timeout: time in which one server must become healthy.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    stack: Literal["embedded", "native"] = "embedded"
    data_dir: Path = Path(".septet")
    cache: Path | None = None
    kafka_port: int = Field(default=9092, ge=0, le=65535)
    kafka_controller_port: int = Field(default=9093, ge=0, le=65535)
    postgres_port: int = Field(default=5433, ge=0, le=65535)
    embeddings_port: int = Field(default=8091, ge=0, le=65535)
    embeddings_model: Literal["multilingual-e5-small", "all-MiniLM-L6-v2"] = "multilingual-e5-small"
    llm_port: int = Field(default=8092, ge=0, le=65535)
    gateway_port: int = Field(default=8100, ge=0, le=65535)
    traces_port: int = Field(default=4318, ge=0, le=65535)
    opensearch_port: int = Field(default=9200, ge=0, le=65535)
    opensearch_transport_port: int = Field(default=9300, ge=0, le=65535)
    opensearch_heap_mb: int = Field(default=512, ge=256)
    jaeger_port: int = Field(default=16686, ge=0, le=65535)
    jaeger_grpc_port: int = Field(default=16685, ge=0, le=65535)
    jaeger_health_port: int = Field(default=13133, ge=0, le=65535)
    tenants_file: Path | None = None
    opensearch: bool = True
    jaeger: bool = True
    llm: bool = True
    llm_url: str | None = None
    llm_model: str | None = None
    llm_slots: int = Field(default=2, ge=1)
    llm_context: int = Field(default=2048, ge=256)
    threads: int = Field(default_factory=_cores, ge=1)
    max_traces: int = Field(default=5000, ge=1)
    start_timeout: timedelta = timedelta(seconds=120)

    def places(self) -> Places:
        """The directories, absolute."""
        return Places(stack_dir(self.data_dir, self.stack), cache_root(self.cache))

"""Where the servers of a stack are reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Addresses:
    """Addresses of one stack.

    Attributes:
        kafka: bootstrap server, ``host:port``.
        postgres_dsn: ``postgresql://user:password@host:port/septet``.
        embeddings_url, llm_url: OpenAI-compatible base addresses, ending in ``/v1``.
        embeddings_model, llm_model: the models' names there.
        otlp_endpoint: takes ``/v1/traces`` by OTLP over HTTP.
        traces_url: the trace page and the query API.
        data_dir: the data directory, absolute.
    """

    kafka: str
    postgres_dsn: str
    embeddings_url: str
    llm_url: str
    otlp_endpoint: str
    traces_url: str
    data_dir: str
    embeddings_model: str = "all-MiniLM-L6-v2"
    llm_model: str = "septet-small"

    def environment(self) -> dict[str, str]:
        """The variables that every service reads its addresses from."""
        return {
            "SEPTET_KAFKA_BOOTSTRAP": self.kafka,
            "SEPTET_POSTGRES_DSN": self.postgres_dsn,
            "SEPTET_EMBEDDINGS_URL": self.embeddings_url,
            "SEPTET_EMBEDDINGS_MODEL": self.embeddings_model,
            "SEPTET_LLM_URL": self.llm_url,
            "SEPTET_LLM_MODEL": self.llm_model,
            "SEPTET_OTLP_ENDPOINT": self.otlp_endpoint,
            "SEPTET_TRACES_URL": self.traces_url,
            "SEPTET_DATA_DIR": self.data_dir,
        }

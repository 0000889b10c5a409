"""Settings of retrieval. Each field is an environment variable: ``SEPTET_RETRIEVAL_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings

from septet_retrieval.domain.chunking import Limits


class RetrievalSettings(FileSettings):
    """Chunking of documents, search for passages, and answerability."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_RETRIEVAL_", extra="ignore")

    passage_target: int = Field(default=700, ge=100, description="Target size of a passage in characters.")
    passage_maximum: int = Field(default=1000, ge=200, description="Largest size of a passage in characters.")
    passage_whole: int = Field(default=1200, ge=0, description="Documents up to this size stay one passage.")
    dimensions: int = Field(
        default=384, ge=1, le=4000, description="Length of the embedding model's vectors."
    )
    candidates: int = Field(default=100, ge=1, le=1000, description="Number of passages from each side.")
    side_timeout: timedelta = Field(
        default=timedelta(seconds=3),
        description="Time limit of each side of a search; then the other side is used alone.",
    )
    hnsw_ef_search: int = Field(
        default=200, ge=1, le=1000, description="HNSW candidate list of a vector search."
    )
    dense_weight: float = Field(
        default=0.58,
        ge=0,
        le=1,
        description="Weight of the dense side in fusion, for a question of five terms.",
    )
    dense_weight_foreign: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="The same, for questions in a script that the model does not support.",
    )
    dense_multilingual: bool | None = Field(
        default=None,
        description="Whether the embedding model supports non-Latin scripts; by default as its definition says.",
    )
    answerability_threshold: float = Field(
        default=0.5, ge=0, le=1, description="Abstain below this probability of an answer; 0: never abstain."
    )
    instructions: Literal["mask", "flag", "off"] = Field(
        default="mask",
        description="Sentences of documents that instruct the assistant: `mask` hides them in search results, `flag` "
        "only reports them, `off` does not look for them.",
    )
    ingest_batch: int = Field(
        default=64, ge=1, description="Largest number of documents stored in one transaction."
    )
    catch_up_interval: timedelta = Field(
        default=timedelta(seconds=2), description="How often the lexical index checks for changes."
    )
    passages_schema: str = Field(
        default="retrieval",
        description="PostgreSQL schema of the passages that a process of a namespace searches. Live processes ignore it.",
    )

    def is_multilingual(self, model: bool) -> bool:
        """Whether the embedding model supports non-Latin scripts; ``model`` is what its definition says."""
        return model if self.dense_multilingual is None else self.dense_multilingual

    @property
    def limits(self) -> Limits:
        return Limits(target=self.passage_target, maximum=self.passage_maximum, whole=self.passage_whole)


class OpenSearchSettings(FileSettings):
    """Connection to OpenSearch. Without a URL the lexical index is tantivy's, in the data folder."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_OPENSEARCH_", extra="ignore")

    url: str | None = Field(default=None, description="URL, or several separated by commas.")
    user: str | None = Field(default=None, description="User name.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    ca_file: Path | None = Field(
        default=None, description="PEM file of the certificate authority of the servers."
    )
    index: str = Field(
        default="septet-passages",
        description="Alias of the index. Versions have the suffixes `-v1`, `-v2` and so on.",
    )
    shards: int = Field(
        default=1, ge=1, description="Shards of a new version; 10 to 50 GB each are recommended."
    )
    replicas: int | None = Field(
        default=None, ge=0, description="Replicas of each shard; default: one if there is a second node."
    )
    connections: int = Field(default=10, ge=1, description="Largest number of connections to each server.")
    timeout: timedelta = Field(default=timedelta(seconds=10), description="Time limit of a write.")
    search_timeout: timedelta = Field(
        default=timedelta(seconds=2),
        description="Time limit of a search; must be less than `SEPTET_RETRIEVAL_SIDE_TIMEOUT`.",
    )
    breaker_failures: int = Field(
        default=5, ge=1, description="Consecutive failures that open the circuit breaker."
    )
    breaker_pause: timedelta = Field(
        default=timedelta(seconds=5), description="Time until one call probes the server again."
    )

    @property
    def hosts(self) -> list[str]:
        """The URLs as a list."""
        return [host.strip() for host in (self.url or "").split(",") if host.strip()]

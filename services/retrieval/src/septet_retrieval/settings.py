"""Settings of retrieval. Each field is an environment variable: ``SEPTET_RETRIEVAL_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings

from septet_retrieval.domain.chunking import Limits


class RetrievalSettings(FileSettings):
    """How documents are cut, and how passages are found and judged."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_RETRIEVAL_", extra="ignore")

    passage_target: int = Field(default=700, ge=100, description="Characters of a passage aimed at.")
    passage_maximum: int = Field(default=1000, ge=200, description="Characters of a passage at most.")
    passage_whole: int = Field(default=1200, ge=0, description="Documents up to this stay one passage.")
    dimensions: int = Field(default=384, ge=1, le=4000, description="Of the embedding model's vectors.")
    candidates: int = Field(default=100, ge=1, le=1000, description="Passages taken from each side.")
    side_timeout: timedelta = Field(
        default=timedelta(seconds=3), description="For each side of a search; then it goes on without."
    )
    hnsw_ef_search: int = Field(default=200, ge=1, le=1000, description="Breadth of the vector search.")
    dense_weight: float = Field(
        default=0.58, ge=0, le=1, description="Dense side's share in fusion, five-term question."
    )
    dense_weight_foreign: float = Field(
        default=0.02, ge=0, le=1, description="The same, for questions in a script the model does not know."
    )
    dense_multilingual: bool = Field(
        default=False, description="The embedding model knows more than Latin script."
    )
    answerability_threshold: float = Field(
        default=0.4, ge=0, le=1, description="Abstain below this probability of an answer; 0: never."
    )
    ingest_batch: int = Field(default=64, ge=1, description="Documents embedded and stored together.")
    catch_up_interval: timedelta = Field(
        default=timedelta(seconds=2), description="How often the lexical index looks for changes."
    )

    @property
    def limits(self) -> Limits:
        return Limits(target=self.passage_target, maximum=self.passage_maximum, whole=self.passage_whole)


class OpenSearchSettings(FileSettings):
    """How OpenSearch is reached; without an address the lexical index is tantivy's, in the data folder."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_OPENSEARCH_", extra="ignore")

    url: str | None = Field(default=None, description="Address, or several separated by commas.")
    user: str | None = Field(default=None, description="Who logs in.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the servers' certificates."
    )
    index: str = Field(
        default="septet-passages",
        description="Alias of the index; its versions are named after it, `-v1` on.",
    )
    shards: int = Field(default=1, ge=1, description="Shards of a version that is created: 10 to 50 GB each.")
    replicas: int | None = Field(
        default=None, ge=0, description="Copies of each shard; if absent one, where there is a second node."
    )
    connections: int = Field(default=10, ge=1, description="Open connections to each server, at most.")
    timeout: timedelta = Field(default=timedelta(seconds=10), description="For each write.")
    search_timeout: timedelta = Field(
        default=timedelta(seconds=2),
        description="For each search; less than `SEPTET_RETRIEVAL_SIDE_TIMEOUT`.",
    )
    breaker_failures: int = Field(
        default=5, ge=1, description="Failures in a row after which calls are refused at once."
    )
    breaker_pause: timedelta = Field(
        default=timedelta(seconds=5), description="How long they are, before one call may try again."
    )

    @property
    def hosts(self) -> list[str]:
        """Each address."""
        return [host.strip() for host in (self.url or "").split(",") if host.strip()]

"""Settings of retrieval. Each field is an environment variable: ``SEPTET_RETRIEVAL_`` + its name."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from septet_retrieval.domain.chunking import Limits


class RetrievalSettings(BaseSettings):
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


class OpenSearchSettings(BaseSettings):
    """Where OpenSearch is; without an address the lexical index is a tantivy index in the data folder."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_OPENSEARCH_", extra="ignore")

    url: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    ca_file: str | None = None
    index: str = Field(default="septet-passages", description="Name of the index.")
    timeout: timedelta = timedelta(seconds=10)

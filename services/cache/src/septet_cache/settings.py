"""Settings of the cache. Each field is an environment variable: ``SEPTET_CACHE_`` + its name."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class CacheSettings(FileSettings):
    """How long answers are kept, and how sure a semantic hit must be."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_CACHE_", extra="ignore")

    enabled: bool = Field(default=True, description="False: every request is passed on, nothing is kept.")
    semantic: bool = Field(default=True, description="False: only exact and key hits.")
    ttl: timedelta = Field(default=timedelta(hours=24), description="How long an answer may be served.")
    volatile_ttl: timedelta = Field(
        default=timedelta(minutes=5), description="The same for questions about now, today or the latest."
    )
    candidates: int = Field(default=5, ge=1, le=50, description="Nearest questions to verify, per side.")
    strictness: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least probability of a semantic hit; the trained one if absent.",
    )
    embedding_dimensions: int = Field(
        default=384, ge=1, le=2000, description="Length of the embeddings in use."
    )
    audit: timedelta = Field(
        default=timedelta(days=30),
        description="How long ended entries and vetoes are kept; at least the log's retention.",
    )
    purge_interval: timedelta = Field(
        default=timedelta(minutes=10), description="How often ended rows are deleted."
    )
    patience: timedelta = Field(
        default=timedelta(seconds=2),
        description="A store or an embedding that takes longer makes the lookup a miss.",
    )

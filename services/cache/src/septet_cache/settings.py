"""Settings of the cache. Each field is an environment variable: ``SEPTET_CACHE_`` + its name."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class CacheSettings(FileSettings):
    """Lifetime of stored answers, and conditions for semantic hits."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_CACHE_", extra="ignore")

    enabled: bool = Field(default=True, description="False: no lookups and no admissions.")
    semantic: bool = Field(default=True, description="False: only exact hits and key hits.")
    ttl: timedelta = Field(default=timedelta(hours=24), description="Lifetime of a stored answer.")
    volatile_ttl: timedelta = Field(
        default=timedelta(minutes=5),
        description="Lifetime for questions about the present (now, today, latest).",
    )
    candidates: int = Field(
        default=5,
        ge=1,
        le=50,
        description="Nearest questions to verify: at most this many by embedding, and as many by shared words.",
    )
    strictness: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least probability for a semantic hit; default: the trained threshold.",
    )
    embedding_dimensions: int = Field(default=384, ge=1, le=2000, description="Dimensions of the embeddings.")
    audit: timedelta = Field(
        default=timedelta(days=30),
        description="How long expired and revoked entries and vetoes are stored; at least the log's retention.",
    )
    purge_interval: timedelta = Field(default=timedelta(minutes=10), description="Time between purges.")
    patience: timedelta = Field(
        default=timedelta(seconds=2),
        description="Time limit for a call to the store or the embeddings endpoint; after it, the lookup is a miss.",
    )

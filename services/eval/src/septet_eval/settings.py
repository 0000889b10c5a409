"""Settings of eval. Each field is an environment variable: ``SEPTET_EVAL_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings

from septet_eval.domain.admission import Floors
from septet_eval.domain.caster import NEWEST, VERSIONS
from septet_eval.domain.scorers import SCORERS, select


class EvalSettings(FileSettings):
    """Scorers and their budget, admission to the cache, and retention."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_EVAL_", extra="ignore")

    scorers: tuple[str, ...] = Field(default=tuple(SCORERS), description="Names from the registry.")
    scoring_budget: timedelta = Field(
        default=timedelta(milliseconds=150),
        description="Per outcome. Scorers past it are skipped and listed in `degraded`.",
    )
    embedding_calls: int = Field(default=2, ge=1, description="Concurrent calls to the embeddings endpoint.")
    embedding_batch: int = Field(default=8, ge=1, description="Maximum number of answers in one call.")
    floors: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={"groundedness": 0.5, "answer_relevance": 0.25},
        description="Minimum scores of an answer that the cache may keep, by scorer.",
    )
    admit_ungrounded: bool = Field(
        default=False, description="Whether the cache may keep answers that were made without passages."
    )
    concurrency: int = Field(default=64, ge=1, description="Records of a topic handled at the same time.")
    sweep_interval: timedelta = Field(
        default=timedelta(milliseconds=250), description="Interval between searches for overdue requests."
    )
    sweep_batch: int = Field(default=100, ge=1, le=1000, description="Overdue requests per transaction.")
    response_versions: tuple[int, ...] = Field(
        default=(1, 2),
        description="Major versions in which each response is published. Remove 1 when no client reads it.",
    )
    retention: timedelta = Field(
        default=timedelta(days=8),
        description="How long a request id is kept. It must exceed the retention of topics, so that a redelivery is recognised.",
    )
    purge_interval: timedelta = Field(
        default=timedelta(minutes=10), description="Interval between purges of old requests."
    )

    @field_validator("scorers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(s.name for s in select(names))

    @field_validator("floors")
    @classmethod
    def _scored(cls, floors: dict[str, float]) -> dict[str, float]:
        select(floors)
        return floors

    @field_validator("response_versions")
    @classmethod
    def _served(cls, versions: tuple[int, ...]) -> tuple[int, ...]:
        if not {NEWEST} <= set(versions) <= set(VERSIONS):
            known = ", ".join(map(str, VERSIONS))
            raise ValueError(f"the list must contain {NEWEST} and only versions of: {known}")

        return tuple(sorted(set(versions)))

    @property
    def admission_floors(self) -> Floors:
        return Floors(self.floors, grounded_only=not self.admit_ungrounded)

"""Settings of feedback. Each field is an environment variable: ``SEPTET_FEEDBACK_`` + its name."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class FeedbackSettings(FileSettings):
    """Retention and concurrency.

    Feedback for an unknown request is stored for ``wait_for``, because its release event may arrive later. After that
    it is dropped, counted (``septet_feedback_unmatched_total``) and logged.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_FEEDBACK_", extra="ignore")

    wait_for: timedelta = Field(
        default=timedelta(hours=24), description="How long feedback for an unknown request is kept."
    )
    remember_for: timedelta = Field(
        default=timedelta(days=90), description="How long answers are kept for late feedback."
    )
    tidy_every: timedelta = Field(
        default=timedelta(minutes=1), description="Interval between purges of old feedback and answers."
    )
    concurrency: int = Field(default=16, ge=1, description="Records of a topic handled at the same time.")

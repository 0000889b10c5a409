"""Settings of feedback. Each field is an environment variable: ``SEPTET_FEEDBACK_`` + its name."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class FeedbackSettings(FileSettings):
    """How long things are kept.

    Feedback for a request that is not known waits for ``wait_for`` (its response may still be on the way);
    then it is dropped, counted (``septet_feedback_unmatched_total``) and named in the log.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_FEEDBACK_", extra="ignore")

    wait_for: timedelta = Field(default=timedelta(hours=24), description="For the answer to early feedback.")
    remember_for: timedelta = Field(default=timedelta(days=90), description="Answers, for late feedback.")
    tidy_every: timedelta = timedelta(minutes=1)
    concurrency: int = Field(default=16, ge=1)

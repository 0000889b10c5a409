"""Settings of the guardrails service. Environment: ``SEPTET_GUARDRAILS_`` + the field's name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class GuardrailsSettings(FileSettings):
    """What an operator may change beside the policies themselves."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_GUARDRAILS_", extra="ignore")

    policies_dir: Path | None = Field(default=None, description="Own policies; see adapters/policies.py.")
    default_language: str = Field(default="en", description="Language of text too short to tell.")
    budget: timedelta = Field(default=timedelta(seconds=10), description="Time for one record.")
    concurrency: int = Field(default=16, ge=1, description="Records of different keys in work at once.")

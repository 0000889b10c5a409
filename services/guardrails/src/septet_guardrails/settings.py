"""Settings of the guardrails service. Each field is an environment variable: ``SEPTET_GUARDRAILS_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.settings import FileSettings


class GuardrailsSettings(FileSettings):
    """Settings besides the policies, which are YAML files."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_GUARDRAILS_", extra="ignore")

    policies_dir: Path | None = Field(
        default=None,
        description="Directory of additional policies; they replace packaged ones of the same name.",
    )
    default_language: str = Field(
        default="en", description="Language assumed for text that is too short to detect."
    )
    restore_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Keys of guardrails alone, separated by commas: the first encrypts masked values, all decrypt. A "
        "policy with `restore` needs one.",
    )
    budget: timedelta = Field(default=timedelta(seconds=10), description="Time limit for one record.")
    concurrency: int = Field(
        default=16, ge=1, description="Records of different keys that are handled concurrently."
    )
    stream_concurrency: int = Field(
        default=4, ge=1, description="The same for parts of streamed drafts, which wait for no response."
    )

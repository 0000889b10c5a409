"""Settings of the guardrails service. Each field is an environment variable: ``SEPTET_GUARDRAILS_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

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
    entailment_url: str | None = Field(
        default=None,
        description="Address of the entailment model of policies with `groundedness.method: model` or `both`: the base "
        "URL of the API (`chat`: with /v1), or the whole address (`nli`).",
    )
    entailment_kind: Literal["chat", "nli", "tei"] = Field(
        default="chat",
        description="`chat`: an API like OpenAI's. `nli`: a classifier that takes `premise` and `hypothesis`. `tei`: "
        "`/predict` of text-embeddings-inference.",
    )
    entailment_model: str | None = Field(default=None, description="Its name.")
    entailment_api_key: SecretStr = Field(default=SecretStr("none"), description="Its API key.")
    entailment_label: str = Field(
        default="entailment", description="Label of the class for entailment (`nli`, `tei`)."
    )
    entailment_extra_body: dict[str, Any] = Field(
        default={},
        description="JSON object with further fields of a chat request; a null removes a field, such as `logprobs`.",
    )
    entailment_calibration: Path | None = Field(
        default=None,
        description="File of `python -m benchmarks.guardrails.entailment`. Without it, the model reports and does not decide.",
    )
    entailment_timeout: timedelta = Field(
        default=timedelta(seconds=3),
        gt=timedelta(),
        description="For all claims of an answer. After it, the rules decide on the rest.",
    )
    entailment_concurrency: int = Field(default=8, ge=1, description="Calls at the same time.")
    entailment_cache: int = Field(
        default=8192, ge=1, description="Scores that are remembered, about 300 bytes each."
    )
    entailment_passages: int = Field(
        default=3, ge=1, le=50, description="Passages that it reads for a claim, besides the cited ones."
    )

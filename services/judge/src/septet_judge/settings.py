"""Settings of judge. Each field is an environment variable: ``SEPTET_JUDGE_`` + its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from septet_experiments.judges import EndpointSettings, JudgeSection
from septet_kit import Permanent
from septet_kit.settings import FileSettings

from septet_judge.domain.budget import Spend
from septet_judge.domain.selection import Sampling

Share = Annotated[float, Field(ge=0, le=1)]
ProtocolName = Literal["rubric", "groundedness"]


class JudgeSettings(FileSettings):
    """The judge's model, the sample, the budget of a day, and the pauses after failures."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_JUDGE_", extra="ignore")

    url: str = Field(
        default="", description="OpenAI-compatible endpoint of the judge, up to and with `/v1`. Required."
    )
    model: str = Field(default="", description="The model's name there. Required.")
    model_digest: str = Field(default="", description="Digest of its weights, if known.")
    api_key: SecretStr = Field(default=SecretStr("none"), description="Its key.")
    protocols: tuple[ProtocolName, ...] = Field(
        default=("groundedness", "rubric"), min_length=1, description="`groundedness`, `rubric`."
    )
    criterion: str | None = Field(
        default=None, description="Criterion of `rubric`; the packaged one if absent."
    )
    weighting: Literal["logprobs", "samples"] = Field(
        default="samples",
        description="How `rubric` scores: by token probabilities, which the endpoint must offer, or by samples.",
    )
    samples: int = Field(default=1, ge=1, le=20, description="Calls of `rubric` per response with `samples`.")
    temperature: float | None = Field(default=0.0, description="`null`: none is sent.")
    max_tokens: int = Field(default=512, ge=16, description="Longest reply.")
    token_limit_field: str = Field(
        default="max_tokens", description="`max_completion_tokens` for endpoints that reject `max_tokens`."
    )
    prompt_usd: float = Field(default=0.0, ge=0, le=1e6, description="Price of a million tokens of prompts.")
    completion_usd: float = Field(
        default=0.0, ge=0, le=1e6, description="Price of a million tokens of replies."
    )
    cards: Path | None = Field(
        default=None, description="Folder of calibration cards that `septet eval judge calibrate` wrote."
    )
    allow_self: bool = Field(
        default=False, description="Whether the judge may judge answers of its own model."
    )
    share: Share = Field(default=0.05, description="Share of responses to judge.")
    policy_shares: dict[str, Share] = Field(default={}, description="Shares by policy.")
    tenant_shares: dict[str, Share] = Field(
        default={}, description="Shares by tenant, which take precedence over those of policies."
    )
    calls_per_day: int = Field(default=1000, ge=0, le=10**9, description="Calls per UTC day, with retries.")
    tokens_per_day: int = Field(default=2_000_000, ge=0, le=10**15, description="Tokens per UTC day.")
    usd_per_day: float = Field(
        default=1.0, ge=0, le=1e9, description="US dollars per UTC day, by the two prices above."
    )
    timeout: timedelta = Field(
        default=timedelta(seconds=30), gt=timedelta(), description="Time limit of a call."
    )
    attempts: int = Field(default=2, ge=1, le=10, description="Tries of a call.")
    response_timeout: timedelta = Field(
        default=timedelta(seconds=120), gt=timedelta(), description="Time limit of all calls for a response."
    )
    max_age: timedelta = Field(
        default=timedelta(minutes=10),
        gt=timedelta(),
        description="Older responses are skipped, so that no backlog grows.",
    )
    concurrency: int = Field(default=4, ge=1, description="Responses judged at the same time.")
    breaker_failures: int = Field(
        default=5, ge=1, description="Failures in a row after which no call is made for a while."
    )
    breaker_pause: timedelta = Field(
        default=timedelta(seconds=30),
        gt=timedelta(),
        description="First pause; it doubles with each failed trial.",
    )
    breaker_longest: timedelta = Field(
        default=timedelta(minutes=10), gt=timedelta(), description="Longest pause."
    )

    def check_complete(self) -> None:
        """Check that the endpoint is given.

        Raises:
            Permanent: it is not (code ``judge_missing``).
        """
        for name in ("url", "model"):
            if not getattr(self, name):
                raise Permanent(
                    "judge_missing",
                    f"the judge has no {name}",
                    field=f"SEPTET_JUDGE_{name.upper()}",
                    fix="set it, or do not start this service",
                )

    @property
    def endpoint(self) -> EndpointSettings:
        """The endpoint's settings."""
        return EndpointSettings(
            url=self.url,
            api_key=self.api_key,
            timeout=self.timeout.total_seconds(),
            attempts=self.attempts,
            max_wait=5.0,
            token_limit_field=self.token_limit_field,
            prompt_usd=self.prompt_usd,
            completion_usd=self.completion_usd,
        )

    @property
    def section(self) -> JudgeSection:
        """The judge as a suite describes it, so that both have the same signatures and calibration cards."""
        given: dict[str, Any] = {} if self.criterion is None else {"criterion": self.criterion}
        return JudgeSection(
            model=self.model,
            model_digest=self.model_digest,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            weighting=self.weighting,
            samples=self.samples,
            allow_self=self.allow_self,
            **given,
        )

    @property
    def sampling(self) -> Sampling:
        """The sample."""
        return Sampling(self.share, self.policy_shares, self.tenant_shares)

    @property
    def limits(self) -> Spend:
        """The budget of a day."""
        return Spend(self.calls_per_day, self.tokens_per_day, int(self.usd_per_day * 1_000_000))

    @property
    def evaluator(self) -> str:
        """Name of the judge in its events."""
        return f"judge:{self.model}" + (f"@{self.model_digest}" if self.model_digest else "")

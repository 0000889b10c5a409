"""Chat models by alias, with their limits and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from septet_contracts import Usage
from septet_kit.errors import Permanent

DEFAULT = "default"

EMBEDDED = "septet-small"
"""Name of the embedded model (SmolLM2, 135M parameters)."""

LANGUAGE_TOKENS: Mapping[str, float] = {"ko": 3.6}
"""Tokens that a text needs in a language, relative to English.

Measured on 1,000 translated sentences with the embedded model's tokenizer, whose vocabulary has little Korean: 3.53
(``benchmarks.generation.token_budget``). Vocabularies with more Korean need less, and the number is a limit only.
"""

EMBEDDED_LIMITS: Mapping[str, Any] = {
    "prompt_tokens": 400,
    "passages": 1,
    "max_tokens": 80,
    "max_tokens_json": 768,
    "stop": ("\n\n", "</passage>"),
}
"""Limits of the embedded model. With one passage 16 of 20 answers are right, with three 12 to 14 (measured). The
model reads 100 tokens a second."""


class Model(BaseModel):
    """A model behind an OpenAI-compatible endpoint.

    ``timeout`` limits one call, so that a hanging model leaves time for the next one in ``fallbacks``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, description="Model name at the endpoint.")
    url: str = Field(min_length=1, description="Base URL of the API, with /v1.")
    api_key: SecretStr = SecretStr("none")
    provider: str = Field(default="openai", description="`gen_ai.provider.name` of spans.")
    prompt_tokens: int = Field(default=4000, ge=100, description="Longest prompt, estimated.")
    passages: int = Field(default=50, ge=1, description="Most passages in a prompt.")
    max_tokens: int = Field(default=512, ge=1, description="Longest English answer.")
    max_tokens_json: int = Field(
        default=2048,
        ge=1,
        description="Longest answer under an output schema; a small schema has a lower limit of its own.",
    )
    language_tokens: dict[str, Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)]] = Field(
        default=dict(LANGUAGE_TOKENS),
        description="Factor of `max_tokens` by language (ISO 639-1); other languages: 1.",
    )
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    temperature: float | None = Field(default=0.0, description="None: the endpoint's default.")
    seed: int | None = Field(default=0, description="None: do not send one.")
    strict_schema: bool = Field(default=True, description="`strict` of response_format json_schema.")
    stop: tuple[str, ...] = Field(default=(), max_length=4)
    extra_body: dict[str, Any] = Field(default={}, description="Further fields of the request body.")
    timeout: timedelta | None = Field(default=None, description="None: the time until the deadline.")
    fallbacks: tuple[str, ...] = Field(
        default=(), description="Aliases to try in order if this model is down."
    )
    input_usd_per_million: float = Field(default=0.0, ge=0)
    output_usd_per_million: float = Field(default=0.0, ge=0)

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """Return tokens and cost (US dollars) of one call."""
        cost = prompt_tokens * self.input_usd_per_million + completion_tokens * self.output_usd_per_million
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        return Usage(**tokens, model_calls=1, cost_usd=cost / 1_000_000)


@dataclass(frozen=True)
class Catalogue:
    """Models by alias."""

    models: Mapping[str, Model]

    def __post_init__(self) -> None:
        for alias, model in self.models.items():
            for fallback in model.fallbacks:
                if fallback not in self.models:
                    message = f"model {alias!r} falls back on the unknown alias {fallback!r}"
                    raise Permanent("unknown_fallback", message, field="fallbacks", fix=self._known_aliases())

    def chain(self, alias: str) -> tuple[Model, ...]:
        """Return the model of ``alias``, then its fallbacks in order. Fallbacks of fallbacks are not followed.

        Raises:
            Permanent: the alias is unknown (code ``unknown_model``).
        """
        first = self.models.get(alias)
        if first is None:
            message = f"there is no model alias {alias!r}"
            raise Permanent("unknown_model", message, field="model", fix=self._known_aliases())
        return (first, *(self.models[name] for name in first.fallbacks))

    def _known_aliases(self) -> str:
        return f"use one of: {', '.join(sorted(self.models))}"

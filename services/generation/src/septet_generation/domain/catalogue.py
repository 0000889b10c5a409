"""The models that may answer, by alias, with their limits and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from septet_contracts import Usage
from septet_kit.errors import Permanent

DEFAULT = "default"

EMBEDDED = "septet-small"
"""Name of the embedded model (SmolLM2, 135M parameters)."""

EMBEDDED_LIMITS: Mapping[str, Any] = {
    "prompt_tokens": 400, "passages": 1, "max_tokens": 80, "max_tokens_json": 256, "stop": ("\n\n", "</passage>"),
}  # fmt: skip
"""More than the one passage around the best sentence confuses a model of this size (measured: 16 of 20
answers right with one passage, 12 to 14 with three), and it reads 100 tokens a second."""


class Model(BaseModel):
    """A model behind an OpenAI-compatible endpoint.

    ``timeout`` bounds one call, so that a model that hangs leaves time for the next in ``fallbacks``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, description="Name that the endpoint knows it by.")
    url: str = Field(min_length=1, description="Base address of the API, up to and with /v1.")
    api_key: SecretStr = SecretStr("none")
    provider: str = Field(default="openai", description="gen_ai.provider.name of its spans.")
    prompt_tokens: int = Field(default=4000, ge=100, description="Size that a prompt is cut to, by estimate.")
    passages: int = Field(default=50, ge=1, description="Most passages in a prompt.")
    max_tokens: int = Field(default=512, ge=1, description="Longest answer.")
    max_tokens_json: int = Field(default=1024, ge=1, description="Longest answer under an output schema.")
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    temperature: float | None = Field(default=0.0, description="None: leave it to the endpoint.")
    seed: int | None = Field(default=0, description="None: leave it out.")
    strict_schema: bool = Field(default=True, description="`strict` of response_format json_schema.")
    stop: tuple[str, ...] = Field(default=(), max_length=4)
    extra_body: dict[str, Any] = Field(default={}, description="More fields of the request's body.")
    timeout: timedelta | None = Field(default=None, description="None: what the deadline leaves.")
    fallbacks: tuple[str, ...] = Field(default=(), description="Aliases to try, in order, when it is down.")
    input_usd_per_million: float = Field(default=0.0, ge=0)
    output_usd_per_million: float = Field(default=0.0, ge=0)

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """What one call used and cost (US dollars)."""
        cost = prompt_tokens * self.input_usd_per_million + completion_tokens * self.output_usd_per_million
        return Usage(
            prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, model_calls=1,
            cost_usd=cost / 1_000_000,
        )  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """Models by alias."""

    models: Mapping[str, Model]

    def __post_init__(self) -> None:
        for alias, model in self.models.items():
            for fallback in model.fallbacks:
                if fallback not in self.models:
                    raise Permanent(
                        "unknown_fallback", f"model {alias!r} falls back on {fallback!r}, which is not known",
                        field="fallbacks", fix=f"use one of: {', '.join(sorted(self.models))}",
                    )  # fmt: skip

    def chain(self, alias: str) -> tuple[Model, ...]:
        """The model of ``alias``, then its fallbacks in order (theirs are not followed).

        Raises:
            Permanent: no such alias (code ``unknown_model``).
        """
        first = self.models.get(alias)
        if first is None:
            raise Permanent(
                "unknown_model", f"there is no model alias {alias!r}", field="model",
                fix=f"use one of: {', '.join(sorted(self.models))}",
            )  # fmt: skip
        return (first, *(self.models[name] for name in first.fallbacks))

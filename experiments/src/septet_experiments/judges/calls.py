"""One call of a judge, and its reply."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field


class ChatCall(BaseModel):
    """A request to a judge, without the address and the key of its endpoint.

    Attributes:
        model: name of the model at the endpoint.
        model_digest: digest of its weights, if known: a new model under an old name makes other calls.
        prompt: name, language and version of the prompt.
        top_logprobs: alternatives per token that the reply shall contain; 0: none.
        draw: 0-based number among calls that are otherwise the same.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    model_digest: str = ""
    prompt: str
    system: str
    user: str
    temperature: float | None = 0.0
    max_tokens: int = Field(default=512, ge=1)
    top_logprobs: int = Field(default=0, ge=0)
    draw: int = Field(default=0, ge=0)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that can change the reply: 64 hexadecimal digits."""
        body = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()


class Token(BaseModel):
    """A token of a reply, with the log probabilities of its alternatives (itself among them)."""

    model_config = ConfigDict(frozen=True)

    text: str
    alternatives: tuple[tuple[str, float], ...] = ()


class Usage(BaseModel):
    """Cost of calls.

    Attributes:
        unreported: calls whose reply does not report its tokens.
    """

    model_config = ConfigDict(frozen=True)

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unreported: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            unreported=self.unreported + other.unreported,
        )

    @property
    def tokens(self) -> int:
        """Tokens of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens


class Reply(BaseModel):
    """What the judge wrote.

    Attributes:
        tokens: tokens with log probabilities; None if the endpoint offers none.
        model: the model that the endpoint reports.
        truncated: whether the reply ended at ``max_tokens``.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    tokens: tuple[Token, ...] | None = None
    usage: Usage = Usage()
    model: str = ""
    truncated: bool = False

"""Limits of an API key: the error above them, and the headers that report them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from septet_contracts import Response

from septet_gateway.domain.errors import ApiError

MINUTE_S = 60.0
ROUNDING = 1e-6
"""A count that exceeds the limit by no more than this is within it: it is a sum of binary fractions."""
_BYTES_PER_TOKEN = 4
_CODES = {"calls": "concurrency_limit_exceeded", "streams": "stream_limit_exceeded"}


@dataclass(frozen=True)
class Limits:
    """Limits of each API key; ``None`` for no limit.

    Attributes:
        requests: calls a minute.
        tokens: tokens a minute, of prompts and answers.
        concurrent: calls in progress, streams included.
        counted: what is in progress.
    """

    requests: int | None = None
    tokens: int | None = None
    concurrent: int | None = None
    counted: Literal["calls", "streams"] = "calls"

    @property
    def exist(self) -> bool:
        """Whether there is any limit."""
        return (self.requests, self.tokens, self.concurrent) != (None, None, None)


@dataclass(frozen=True)
class Usage:
    """What a key has used, in all instances, after an update.

    Attributes:
        granted: how many of the wanted calls may begin.
        requests: calls that are counted. The count falls by the limit within a minute, evenly.
        tokens: the same for tokens. It may be above the limit, because tokens are counted after the answer.
    """

    granted: int
    requests: float = 0.0
    tokens: float = 0.0


def tokens_of(response: Response, shown: int = 0) -> int:
    """The tokens of a response's prompts and answers.

    A response that was cancelled or has expired names none. It counts as the estimate of the text that was shown.

    Args:
        response: to count.
        shown: bytes of the text that the call has received.
    """
    usage = response.usage
    return usage.prompt_tokens + usage.completion_tokens or estimated_tokens(shown)


def estimated_tokens(size: int) -> int:
    """An estimate of the tokens of a text: one for each four bytes of UTF-8, rounded up."""
    return math.ceil(size / _BYTES_PER_TOKEN)


def wait_s(used: float, limit: int | None) -> float:
    """Seconds until ``used`` has fallen so far that one more fits into the limit; 0 if it does."""
    return 0.0 if limit is None else max(0.0, (used + 1 - limit) * MINUTE_S / limit)


def refusal(limits: Limits, usage: Usage) -> ApiError:
    """The error of a call that was not granted. A limit of calls in progress has no known time to wait: one second."""
    waits = {
        f"{limits.requests} calls": wait_s(usage.requests, limits.requests),
        f"{limits.tokens} tokens": wait_s(usage.tokens, limits.tokens),
    }
    limit, wait = max(waits.items(), key=lambda item: item[1])
    headers = rate_headers(limits, usage)
    if wait <= ROUNDING:
        message = f"this API key has {limits.concurrent} {limits.counted} in progress, which is its limit"
        return ApiError(429, message, code=_CODES[limits.counted], headers=headers)
    return ApiError(
        429,
        f"this API key may use {limit} a minute",
        code="rate_limit_exceeded",
        headers=headers | retry_after(wait),
    )


def retry_after(seconds: float) -> dict[str, str]:
    """The headers with the time to wait, in seconds and in milliseconds, both rounded up."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


def rate_headers(limits: Limits, usage: Usage) -> dict[str, str]:
    """The headers ``x-ratelimit-*`` of OpenAI's API: limit, remaining, and the time until all of it remains."""
    headers = {}
    for name, limit, used in (
        ("requests", limits.requests, usage.requests),
        ("tokens", limits.tokens, usage.tokens),
    ):
        if limit is not None:
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(0, math.floor(limit - used + ROUNDING)))
            headers[f"x-ratelimit-reset-{name}"] = duration(used * MINUTE_S / limit)
    return headers


def duration(seconds: float) -> str:
    """A time as OpenAI writes it: ``12ms``, ``7.66s``, ``6m0s``."""
    milliseconds = math.ceil(seconds * 1000)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text

"""Chat completions of a judge, at any endpoint with OpenAI's API."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from septet_experiments.judges.calls import ChatCall, Reply, Token, Usage
from septet_experiments.judges.errors import JudgeRejected, JudgeUnavailable

_RETRYABLE = frozenset({408, 409, 425, 429})
_MAX_ERROR_CHARS = 300


class EndpointSettings(BaseModel):
    """Address, key, limits and prices of a judge's endpoint.

    Attributes:
        attempts: tries of one call, the first among them.
        max_wait: longest pause in seconds between two tries. A `retry-after` beyond it ends the call.
        token_limit_field: `max_completion_tokens` for endpoints that reject `max_tokens`.
        seed: sent with each call, plus the number of its draw; none if absent.
        prompt_usd, completion_usd: price of a million tokens.
        extra_body: further fields of the request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:8080/v1"
    api_key: SecretStr = SecretStr("none")
    timeout: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=4, ge=1)
    max_wait: float = Field(default=30.0, ge=0)
    token_limit_field: str = "max_tokens"  # noqa: S105 - a field of the API, no secret
    seed: int | None = None
    prompt_usd: float = Field(default=0.0, ge=0)
    completion_usd: float = Field(default=0.0, ge=0)
    extra_body: dict[str, Any] = {}


@dataclass
class ChatEndpoint:
    """Client of one endpoint; close it with :meth:`aclose`. ``usage`` is that of all calls.

    ``quotes_errors``: whether errors quote the endpoint's message, which can repeat a part of the prompt. Services log
    errors, so they leave it out.
    """

    settings: EndpointSettings
    headers: Callable[[], Mapping[str, str]] = dict
    transport: httpx.AsyncBaseTransport | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float, float], float] = random.uniform
    quotes_errors: bool = True
    usage: Usage = field(default=Usage(), init=False)

    def __post_init__(self) -> None:
        self._http = httpx.AsyncClient(
            base_url=self.settings.url.rstrip("/"), timeout=self.settings.timeout, transport=self.transport
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def reply(self, call: ChatCall) -> Reply:
        """The judge's reply. Its usage includes the tries that failed.

        Raises:
            JudgeUnavailable: the last try failed, or the endpoint asks to wait longer than ``max_wait``.
            JudgeRejected: the endpoint rejects the call.
        """
        used = Usage()
        try:
            for tried in range(self.settings.attempts):
                try:
                    reply = await self._try(call)
                    used += reply.usage
                    return reply.model_copy(update={"usage": used})
                except JudgeUnavailable as error:
                    used += error.usage
                    error.usage = used
                    wait = self._wait(error, tried)
                    if tried + 1 == self.settings.attempts or wait > self.settings.max_wait:
                        raise
                except JudgeRejected as error:
                    used += error.usage
                    error.usage = used
                    raise
                await self.sleep(wait)
            raise AssertionError("the loop returns or raises")
        finally:
            self.usage += used

    def _wait(self, error: JudgeUnavailable, tries: int) -> float:
        if error.retry_after is not None:
            return error.retry_after
        return self.jitter(0.0, min(self.settings.max_wait, 0.5 * 2**tries))

    async def _try(self, call: ChatCall) -> Reply:
        headers = {"authorization": f"Bearer {self.settings.api_key.get_secret_value()}", **self.headers()}
        try:
            response = await self._http.post("/chat/completions", json=self._body(call), headers=headers)
        except httpx.HTTPError as error:
            # The endpoint may have worked on a call whose reply is lost.
            unknown = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise JudgeUnavailable(
                f"the judge does not answer: {type(error).__name__}", usage=Usage(calls=1, unreported=unknown)
            ) from error
        if response.status_code in _RETRYABLE or response.status_code >= 500:
            raise JudgeUnavailable(
                f"the judge answers {response.status_code}{self._message(response)}",
                _retry_after(response),
                Usage(calls=1),
            )
        if response.status_code >= 400:
            raise JudgeRejected(
                f"the judge rejects the call with {response.status_code}{self._message(response)}",
                "check the judge's model, key and parameters",
                Usage(calls=1),
            )
        return self._reply(response)

    def _body(self, call: ChatCall) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": call.model,
            "messages": [{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
            self.settings.token_limit_field: call.max_tokens,
        }
        if call.temperature is not None:
            body["temperature"] = call.temperature
        if call.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": call.top_logprobs}
        if self.settings.seed is not None:
            body["seed"] = self.settings.seed + call.draw
        return body | self.settings.extra_body

    def _reply(self, response: httpx.Response) -> Reply:
        try:
            body = response.json()
            choice = body["choices"][0]
            text = choice["message"].get("content") or ""
            return Reply(
                text=text,
                tokens=_tokens(choice.get("logprobs")),
                usage=self._usage(body.get("usage")),
                model=str(body.get("model") or ""),
                truncated=choice.get("finish_reason") == "length",
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise JudgeRejected(
                "the judge's reply is no chat completion",
                "check the judge's address",
                Usage(calls=1, unreported=1),
            ) from error

    def _usage(self, usage: Any) -> Usage:
        if not isinstance(usage, dict) or usage.get("prompt_tokens") is None:
            return Usage(calls=1, unreported=1)
        prompt, completion = int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)
        cost = (prompt * self.settings.prompt_usd + completion * self.settings.completion_usd) / 1e6
        return Usage(calls=1, prompt_tokens=prompt, completion_tokens=completion, cost_usd=cost)

    def _message(self, response: httpx.Response) -> str:
        """The error's message after a colon. Some endpoints repeat the key, so it is removed."""
        if not self.quotes_errors:
            return ""
        try:
            error = response.json()["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            text = response.text
        key = self.settings.api_key.get_secret_value()
        return f": {text.replace(key, '…') if key else text}"[: _MAX_ERROR_CHARS + 2]


def _tokens(logprobs: Any) -> tuple[Token, ...] | None:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not content:
        return None
    return tuple(
        Token(
            text=entry["token"],
            alternatives=tuple(
                (a["token"], float(a["logprob"])) for a in entry.get("top_logprobs") or [entry]
            ),
        )
        for entry in content
    )


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of `retry-after`, which is a number or a date."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

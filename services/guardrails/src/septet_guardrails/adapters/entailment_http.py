"""An entailment model behind an HTTP endpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from opentelemetry import propagate
from opentelemetry.trace import Span
from pydantic import SecretStr
from septet_kit.errors import Permanent, Transient
from septet_kit.observe import semconv
from septet_kit.openai_http import Endpoint, is_retryable

from septet_guardrails.adapters.entailment_chat import PROMPTS, chat_body, chat_score
from septet_guardrails.adapters.entailment_nli import label_score, nli_body, tei_body
from septet_guardrails.adapters.entailment_reply import NoScore
from septet_guardrails.domain.entailment import Pair
from septet_guardrails.telemetry import entailment_span

Kind = Literal["chat", "nli", "tei"]

# Increase this number when a body or the reading of a reply changes the scores.
_REVISION = 1
_PATHS: Mapping[Kind, str] = {"chat": "/chat/completions", "nli": "", "tei": "/predict"}


@dataclass(frozen=True)
class ModelAddress:
    """An entailment model and where it is.

    Attributes:
        kind: form of the API: chat completions, a text classifier, or text-embeddings-inference.
        url: base URL of the API (``chat``: with /v1); the whole address for ``nli``.
        model: name of the model.
        api_key: for the endpoint.
        label: of the classifier's class for entailment.
        extra_body: further fields of a chat request.
    """

    kind: Kind
    url: str
    model: str
    api_key: SecretStr = field(default=SecretStr("none"))
    label: str = "entailment"
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of all that the scores depend on: 12 hexadecimal digits. The address is no part of it."""
        parts = [_REVISION, self.kind, self.model, self.label, dict(self.extra_body)]
        body = json.dumps([*parts, dict(PROMPTS) if self.kind == "chat" else None], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()[:12]


class EntailmentEndpoint:
    """Client of an entailment model. It neither retries nor limits the time: the caller does."""

    def __init__(self, address: ModelAddress) -> None:
        self._address = address
        self._endpoint = Endpoint(address.url, address.api_key.get_secret_value())

    @property
    def digest(self) -> str:
        """See :class:`septet_guardrails.ports.EntailmentModel`."""
        return self._address.digest

    async def aclose(self) -> None:
        """Close all connections."""
        await self._endpoint.close()

    async def score(self, pair: Pair) -> float:
        """See :class:`septet_guardrails.ports.EntailmentModel`."""
        address = self._address
        operation = "chat" if address.kind == "chat" else "classify"
        provider = "openai" if address.kind == "chat" else address.kind
        with entailment_span(operation, address.model, provider, address.url) as current:
            reply = await self._post(self._body(pair))
            try:
                score = chat_score(reply) if address.kind == "chat" else label_score(reply, address.label)
                _record_usage(current, reply)
            except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
                # Neither the error nor its cause is shown: both could repeat the reply.
                raise Transient("entailment_unreadable", f"{address.model}: {_shown(error)}") from None
        return score

    def _body(self, pair: Pair) -> dict[str, Any]:
        if self._address.kind == "chat":
            return chat_body(pair, self._address.model, self._address.extra_body)
        return nli_body(pair) if self._address.kind == "nli" else tei_body(pair)

    async def _post(self, body: dict[str, Any]) -> Any:
        data = json.dumps(body, ensure_ascii=False).encode()
        headers: dict[str, str] = {}
        propagate.inject(headers)
        where, path = self._address.model, _PATHS[self._address.kind]
        try:
            async with self._endpoint.post(path, data, aiohttp.ClientTimeout(), headers) as response:
                content = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient("entailment_unreachable", f"{where}: {type(error).__name__}") from error
        # The endpoint's own message could repeat the passage, and messages are logged.
        if status >= 400:
            raised = Transient if is_retryable(status) else Permanent
            raise raised("entailment_rejected", f"{where}: status {status}")
        try:
            return json.loads(content)
        except ValueError as error:
            raise Transient("entailment_unreadable", f"{where}: the reply is not JSON") from error


def _shown(error: Exception) -> str:
    return str(error) if isinstance(error, NoScore) else f"unexpected reply ({type(error).__name__})"


def _record_usage(current: Span, reply: Any) -> None:
    """Record what a chat completion reports. A classifier reports nothing."""
    if not isinstance(reply, dict):
        return
    usage = reply.get("usage") or {}
    known = {
        semconv.GEN_AI_RESPONSE_MODEL: reply.get("model"),
        semconv.GEN_AI_INPUT_TOKENS: usage.get("prompt_tokens"),
        semconv.GEN_AI_OUTPUT_TOKENS: usage.get("completion_tokens"),
    }
    current.set_attributes({name: value for name, value in known.items() if value is not None})
